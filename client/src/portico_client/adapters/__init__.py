"""An account's tools as the tools of a framework: one module for each, with an extra of the same name."""
