//! Lies in phase 1: the lookup argument's own gates on changed helpers and sums.
