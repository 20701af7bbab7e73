//! x
mod engine_config;
/// a
pub fn x() -> usize { let _ = engine_config::engine_config(); include_bytes!(concat!(env!("OUT_DIR"), "/component.cwasm")).len() }
