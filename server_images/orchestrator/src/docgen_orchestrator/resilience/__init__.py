"""What keeps one bad server, or one greedy caller, from being everybody's problem; no I/O.

Per server: a ``Breaker`` says when calls to it are not even tried, a ``Bulkhead`` how many run at once, a
``RetryBudget`` how many reads may be sent twice. For the whole process: ``Deadlines`` ends what takes too
long, and tells when the process itself cannot keep up.
"""
