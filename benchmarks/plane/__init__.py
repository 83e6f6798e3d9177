"""What the data plane costs, measured from outside: gateways as processes, CPU time from the operating system."""
