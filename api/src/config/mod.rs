//! All settings: defaults < file < environment < secrets in files. Wrong ones are found at start and explained.

mod effective;
mod load;
mod render;
mod types;

pub use effective::{Section, Setting, Source, effective};
pub use load::{ConfigErrors, load};
pub use render::default_toml;
pub use types::*;
