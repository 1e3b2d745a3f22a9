//! stub
/// stub
pub fn body(_data: &[u8]) {}
