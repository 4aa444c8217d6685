//! The words that must not be found, and what each stands for.

use std::collections::BTreeMap;

/// By what they stand for.
#[derive(Default)]
pub struct Words(BTreeMap<String, String>);

impl Words {
    /// A new word that occurs nowhere else, for the field `name`.
    pub fn new_word(&mut self, name: &str) -> String {
        let word = format!("qvzx{}{}x", name.replace(['_', ' '], ""), self.0.len());
        self.add(name, &word);
        word
    }

    /// A sentence around a new word.
    pub fn text(&mut self, name: &str) -> String {
        format!("It says {} here.", self.new_word(name))
    }

    /// A secret that exists already.
    pub fn add(&mut self, name: &str, word: &str) {
        assert!(word.len() > 8, "{name}: {word:?} may occur anywhere");
        self.0.insert(name.to_owned(), word.to_owned());
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, word)| (name.as_str(), word.as_str()))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Words {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(words: T) -> Self {
        Self(words.into_iter().map(|(name, word)| (name.to_owned(), word.to_owned())).collect())
    }
}
