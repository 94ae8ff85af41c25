"""One workload in every named system: what it would cost, why, and what else decides.

`costs` turns a profile's events into seconds by each system's kind of cost, `density` says how many fit and
what stops the next one, `modelled` puts both into an Estimate.  Nothing here runs the workload.
"""
