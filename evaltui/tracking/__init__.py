"""Tracking stores: target, sources, the writer; alone imports mlflow and databricks."""
