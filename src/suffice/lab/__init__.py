"""From outcomes to proof: workloads with known answers, their checkers, and the runs that use them."""
