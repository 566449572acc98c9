//! XML as mesh formats use it: tags and text, one after the other, from blocks of text that may end anywhere.
//!
//! Not a validating reader: elements that are not closed and attributes without quotes are taken as they come. No
//! entity but the five of XML and numbers is ever expanded, so nothing can grow. Prefixes of namespaces are dropped.

use std::borrow::Cow;

/// What comes next in the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Event<'a> {
    /// `<name attributes>`.
    Open(Tag<'a>),
    /// `</name>`, also after `<name/>`.
    Close(&'a [u8]),
    /// Text between tags, as it stands; never empty or all blank.
    Text(&'a [u8]),
}

/// The inside of a tag that opens an element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tag<'a> {
    /// The element's name, without a prefix.
    pub name: &'a [u8],
    inside: &'a [u8],
}

/// Reads events from a block of text.
pub(super) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// An element that opens and closes in one tag and is still to be closed.
    closing: Option<&'a [u8]>,
    /// True when no more text follows this block.
    last: bool,
}

impl<'a> Reader<'a> {
    /// Begins a block; `last` when no more text follows it.
    pub fn new(text: &'a [u8], last: bool) -> Self {
        Reader { text, at: 0, closing: None, last }
    }

    /// Returns how far the text is read; what follows belongs before the next block.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Returns what comes next, `None` at the end of what can be told without more text.
    #[inline]
    pub fn next(&mut self) -> Option<Event<'a>> {
        if let Some(name) = self.closing.take() {
            return Some(Event::Close(name));
        }
        loop {
            let rest = &self.text[self.at..];
            if rest.first() != Some(&b'<') {
                let end = match memchr::memchr(b'<', rest) {
                    Some(end) => end,
                    None if self.last => rest.len(),
                    None => return None,
                };
                self.at += end;
                if rest[..end].iter().all(u8::is_ascii_whitespace) {
                    if end == 0 || self.at == self.text.len() {
                        return None;
                    }
                    continue;
                }
                return Some(Event::Text(&rest[..end]));
            }
            match rest.get(1)? {
                b'/' => {
                    let end = memchr::memchr(b'>', rest)?;
                    self.at += end + 1;
                    return Some(Event::Close(local(rest[2..end].trim_ascii())));
                }
                b'?' => self.at += memchr::memmem::find(rest, b"?>")? + 2,
                b'!' => {
                    let text = self.aside(rest)?;
                    if !text.is_empty() {
                        return Some(Event::Text(text));
                    }
                }
                _ => {
                    let end = tag_end(rest)?;
                    self.at += end + 1;
                    let inside = &rest[1..end];
                    let empty = inside.last() == Some(&b'/');
                    let inside = &inside[..inside.len() - usize::from(empty)];
                    let length = inside.iter().position(u8::is_ascii_whitespace).unwrap_or(inside.len());
                    let name = local(&inside[..length]);
                    self.closing = empty.then_some(name);
                    return Some(Event::Open(Tag { name, inside: &inside[length..] }));
                }
            }
        }
    }

    /// Passes over a comment or a declaration, which have no text; returns the text of a `CDATA` section.
    fn aside(&mut self, rest: &'a [u8]) -> Option<&'a [u8]> {
        if rest.len() < 9 && !self.last {
            return None;
        }
        if rest.starts_with(b"<!--") {
            self.at += memchr::memmem::find(rest.get(4..)?, b"-->")? + 7;
            return Some(b"");
        }
        if let Some(text) = rest.strip_prefix(b"<![CDATA[") {
            let end = memchr::memmem::find(text, b"]]>")?;
            self.at += 9 + end + 3;
            return Some(&text[..end]);
        }
        // A document type; what it declares inside brackets is passed over with it.
        let end = memchr::memchr(b'>', rest)?;
        let end = match memchr::memchr(b'[', &rest[..end]) {
            Some(_) => memchr::memmem::find(rest, b"]>")? + 1,
            None => end,
        };
        self.at += end + 1;
        Some(b"")
    }
}

/// Returns where a tag ends: at the first `>` that is not in quotes.
#[inline]
fn tag_end(tag: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + memchr::memchr(b'>', &tag[from..])?;
        // Quotes up to here: even, and the tag ends here.
        let mut at = from;
        let mut open = None;
        while let Some(q) = memchr::memchr2(b'"', b'\'', &tag[at..end]) {
            let quote = tag[at + q];
            at += q + 1;
            let Some(close) = memchr::memchr(quote, &tag[at..end]) else {
                open = Some(quote);
                break;
            };
            at += close + 1;
        }
        let Some(quote) = open else { return Some(end) };
        from = at + memchr::memchr(quote, &tag[at..])? + 1;
    }
}

/// Returns a name without its prefix.
#[inline]
fn local(name: &[u8]) -> &[u8] {
    memchr::memchr(b':', name).map_or(name, |colon| &name[colon + 1..])
}

impl<'a> Tag<'a> {
    /// Returns the attributes: names without prefix, values as they stand.
    #[inline]
    pub fn attributes(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = self.inside;
        std::iter::from_fn(move || {
            let start = rest.iter().position(|b| !b.is_ascii_whitespace())?;
            rest = &rest[start..];
            let equals = memchr::memchr(b'=', rest)?;
            let name = local(rest[..equals].trim_ascii());
            rest = rest[equals + 1..].trim_ascii_start();
            let quote = *rest.first()?;
            let value;
            if matches!(quote, b'"' | b'\'') {
                let end = memchr::memchr(quote, &rest[1..])?;
                value = &rest[1..=end];
                rest = &rest[end + 2..];
            } else {
                let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
                value = &rest[..end];
                rest = &rest[end..];
            }
            Some((name, value))
        })
    }

    /// Returns the value of an attribute, as it stands.
    pub fn raw(self, name: &str) -> Option<&'a [u8]> {
        self.attributes().find(|(n, _)| *n == name.as_bytes()).map(|(_, v)| v)
    }

    /// Returns the value of an attribute, as meant.
    pub fn value(self, name: &str) -> Option<Cow<'a, str>> {
        self.raw(name).map(text)
    }
}

/// Returns text with what stands for characters put in: `&lt;` and its like, and `&#10;`.
pub(super) fn text(raw: &[u8]) -> Cow<'_, str> {
    let plain = String::from_utf8_lossy(raw);
    if !plain.contains('&') {
        return plain;
    }
    let mut out = String::with_capacity(plain.len());
    let mut rest: &str = &plain;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let meant =
            rest.find(';').filter(|end| *end <= 10).and_then(|end| Some((end, entity(&rest[1..end])?)));
        let (end, c) = meant.unwrap_or((0, '&'));
        out.push(c);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Writes events down, reading in blocks of `size` bytes.
    fn events(text: &str, size: usize) -> Vec<String> {
        let mut out = Vec::new();
        let mut held: Vec<u8> = Vec::new();
        let mut blocks = text.as_bytes().chunks(size.max(1)).peekable();
        while let Some(block) = blocks.next() {
            held.extend_from_slice(block);
            let mut reader = Reader::new(&held, blocks.peek().is_none());
            while let Some(event) = reader.next() {
                out.push(match event {
                    Event::Open(tag) => {
                        let list: Vec<String> = tag
                            .attributes()
                            .map(|(n, v)| format!(" {}={}", String::from_utf8_lossy(n), super::text(v)))
                            .collect();
                        format!("<{}{}>", String::from_utf8_lossy(tag.name), list.concat())
                    }
                    Event::Close(name) => format!("</{}>", String::from_utf8_lossy(name)),
                    Event::Text(t) => super::text(t).into_owned(),
                });
            }
            held = held.split_off(reader.at());
        }
        out
    }

    const SAMPLE: &str = "\u{feff}<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x \"y\">]><!-- <no> -->\n<p:a x=\"1 > 0\" \
        q:y='&quot;&#65;&amp;'><b/> text &lt; more <![CDATA[<raw>]]></p:a >";

    #[test]
    fn tags_texts_and_the_odd_rest() {
        let expected = ["\u{feff}", "<a x=1 > 0 y=\"A&>", "<b>", "</b>", " text < more ", "<raw>", "</a>"]
            .map(str::to_owned);
        for size in 1..=SAMPLE.len() {
            assert_eq!(events(SAMPLE, size), expected, "{size}");
        }
    }

    proptest! {
        #[test]
        fn blocks_do_not_matter(text in "[<>/!?=a-c\"' &;\\-\\[\\]]{0,60}", size in 1_usize..20) {
            prop_assert_eq!(events(&text, size), events(&text, text.len() + 1));
        }
    }
}
