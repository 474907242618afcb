"""Language models that word sections: vendors behind one protocol, chains of them, budgets, checked claims.

Nothing in here runs or is imported before `models:` is configured; the vendors' SDKs are imported by the
first section that is worded.
"""
