"""The smallest Textual program: what a start of evaltui is measured against."""

from textual.app import App


class EmptyApp(App[None]):
    """A blank screen that ends with q."""

    BINDINGS = [("q", "quit", "quit")]


if __name__ == "__main__":
    EmptyApp().run()
