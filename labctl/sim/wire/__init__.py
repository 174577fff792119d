"""Play the instruments of the simulated table at their ports, byte by byte."""
