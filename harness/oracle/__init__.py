"""Simulated servers whose capacity, response times and faults are known exactly."""
