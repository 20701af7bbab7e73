//! The minting logic.
