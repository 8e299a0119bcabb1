//! Speed comparisons; the benches themselves are in this folder, one file each.
