"""The engine: watches, ingests and polls; runs headless or behind the screen, same code."""
