//! The bundled fonts, parsed once per process.

use std::sync::LazyLock;

use typst::foundations::Bytes;
use typst::text::{Font, FontBook, is_default_ignorable};
use typst::utils::LazyHash;

const FILES: [&[u8]; 7] = [
    include_bytes!("../fonts/NotoSans-Regular.ttf"),
    include_bytes!("../fonts/NotoSans-Bold.ttf"),
    include_bytes!("../fonts/NotoSansBengali-Regular.ttf"),
    include_bytes!("../fonts/NotoSansBengali-Bold.ttf"),
    include_bytes!("../fonts/NotoSansArabic-Regular.ttf"),
    include_bytes!("../fonts/NotoSansArabic-Bold.ttf"),
    include_bytes!("../fonts/NotoSansMath-Subset.ttf"),
];

/// Every bundled font, with the index by which Typst chooses among them.
pub(crate) struct Fonts {
    pub(crate) book: LazyHash<FontBook>,
    pub(crate) all: Vec<Font>,
}

pub(crate) static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    let all: Vec<Font> = FILES.iter().flat_map(|file| Font::iter(Bytes::new(*file))).collect();
    Fonts { book: LazyHash::new(FontBook::from_fonts(&all)), all }
});

impl Fonts {
    /// Whether one font has all characters of a grapheme cluster. One font for the whole cluster,
    /// because a mark from another font would not attach to its base.
    pub(crate) fn cover(&self, cluster: &str) -> bool {
        self.all
            .iter()
            .any(|font| cluster.chars().all(|c| is_default_ignorable(c) || font.info().coverage.contains(u32::from(c))))
    }
}
