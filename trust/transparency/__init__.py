"""Logs that anybody can check: tree arithmetic (`merkle`), signed notes (`note`) and the heads they carry (`checkpoint`)."""
