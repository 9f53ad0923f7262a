"""Tracking stores: target, sources to read from, the writer. Alone imports mlflow and databricks."""
