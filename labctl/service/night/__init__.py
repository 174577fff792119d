"""Run a queue through the night without anybody: policies, suspensions, ledger, morning report."""
