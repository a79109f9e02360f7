"""The oracle: small real servers on loopback of exactly known behaviour, and liars, to prove the harness against."""
