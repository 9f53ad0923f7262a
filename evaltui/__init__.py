"""evaltui: the terminal workbench for evaluation runs tracked in MLflow."""
