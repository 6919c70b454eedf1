//! What differs between the files as generated and the files on disk.
