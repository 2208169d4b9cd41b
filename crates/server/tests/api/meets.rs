//! Holds what the server answers against what it says of itself.

use crate::world::Reply;

pub(crate) fn hold_against_description(_method: &str, _path: &str, _reply: &Reply) {}
