//! What is installed beside the programs.

// Manifests: to the schemas of Kubernetes, and to ours.
mod kubernetes;
// Units: to the manager's own tools.
mod units;
