"""A load that several processes carry, on one host or on many: a master directs workers and keeps what they record."""
