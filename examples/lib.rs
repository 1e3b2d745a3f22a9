//! The examples are the files beside this one; `tests/` runs each as its reader would.
