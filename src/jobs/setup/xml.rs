//! A setting's XML, edited as text: what changes is spliced in, everything else stays byte for
//! byte, known or not.

use std::ops::Range;

use roxmltree::{Document, Node};

use crate::aws::AwsError;

/// The namespace of S3's settings (Amazon S3 API Reference, all examples).
pub(super) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// A place in a text, and what is to stand there.
pub(super) type Edit = (Range<usize>, String);

/// Finds what is to change below the root of a document, or below an element of it.
pub(super) type FindEdit<'a> = &'a dyn Fn(&str, Node<'_, '_>) -> Option<Edit>;

/// Reads a document whose root has this name, as S3 writes it: without a prefix.
pub(super) fn parse<'a>(action: &str, text: &'a str, root: &str) -> Result<Document<'a>, AwsError> {
    let wrong = |why: String| AwsError::other(action, format!("the answer can't be read: {why}"));
    let document = Document::parse(text).map_err(|error| wrong(error.to_string()))?;
    let at = document.root_element().range();
    if text[at].starts_with(&format!("<{root}")) && is_named(document.root_element(), root) {
        return Ok(document);
    }
    Err(wrong(format!("it is not a {root}")))
}

/// Whatever the namespace: S3's servers name it, others may not.
fn is_named(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

/// The elements of this name right below one.
pub(super) fn children<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    name: &str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| is_named(*child, name))
}

/// The first element at a path below one.
pub(super) fn find<'a, 'i>(node: Node<'a, 'i>, path: &[&str]) -> Option<Node<'a, 'i>> {
    let mut at = node;
    for name in path {
        at = children(at, name).next()?;
    }
    Some(at)
}

/// The text of the first element at a path; empty where the element is.
pub(super) fn text<'a>(node: Node<'a, '_>, path: &[&str]) -> Option<&'a str> {
    Some(find(node, path)?.text().unwrap_or_default().trim())
}

/// The source of an element, fit for a line: white space and control characters become spaces.
pub(super) fn source(document: &str, node: Node<'_, '_>) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = document[node.range()].chars().map(plain).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where the closing tag of an element begins; `None` for one that closes itself (`<A/>`).
fn closing_tag(document: &str, node: Node<'_, '_>) -> Option<usize> {
    let range = node.range();
    let source = &document[range.clone()];
    (!source.ends_with("/>")).then(|| range.start + source.rfind("</").unwrap_or(source.len()))
}

/// Adds XML as the last thing within an element.
pub(super) fn append(document: &str, node: Node<'_, '_>, xml: &str) -> Edit {
    match closing_tag(document, node) {
        Some(at) => (at..at, xml.to_owned()),
        None => opened(document, node, xml),
    }
}

/// Puts a text in the place of all that an element holds.
pub(super) fn set(document: &str, node: Node<'_, '_>, text: &str) -> Edit {
    let text = escape(text);
    match closing_tag(document, node) {
        Some(end) => {
            let start = node.first_child().map_or(end, |child| child.range().start);
            (start..end, text)
        }
        None => opened(document, node, &text),
    }
}

/// `<A/>` as `<A>xml</A>`.
fn opened(document: &str, node: Node<'_, '_>, xml: &str) -> Edit {
    let source = &document[node.range()];
    let start = source.strip_suffix("/>").unwrap_or(source).trim_end();
    (node.range(), format!("{start}>{xml}</{}>", node.tag_name().name()))
}

/// Sets the text of a child element, which is added where it is missing. None where it is so.
pub(super) fn set_child(
    document: &str,
    node: Node<'_, '_>,
    name: &str,
    value: &str,
) -> Option<Edit> {
    match find(node, &[name]) {
        Some(child) if child.text().unwrap_or_default().trim() == value => None,
        Some(child) => Some(set(document, child, value)),
        None => Some(append(document, node, &element(name, value))),
    }
}

/// An element that holds a text.
pub(super) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

/// A document with a change made to it. Changes are made one after the other, each on what the one
/// before left, so that they never meet in the same place.
pub(super) fn edited(
    action: &str,
    document: String,
    root: &str,
    change: impl FnOnce(&str, Node<'_, '_>) -> Option<Edit>,
) -> Result<String, AwsError> {
    let edit = change(&document, parse(action, &document, root)?.root_element());
    Ok(match edit {
        Some((range, text)) => [&document[..range.start], &text, &document[range.end..]].concat(),
        None => document,
    })
}

/// A text as XML holds it.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str, change: impl Fn(&str, Node<'_, '_>) -> Option<Edit>) -> String {
        edited("look", text.to_owned(), "A", change).unwrap()
    }

    #[test]
    fn only_what_is_set_changes() {
        let text =
            "<?xml version=\"1.0\"?>\n<A xmlns=\"n\"><!-- c --><B at='1>2'> 3 </B>\n<C/></A>";
        let set = |name: &'static str, value: &'static str| {
            with(text, |text, root| set_child(text, root, name, value))
        };
        assert_eq!(set("B", "3"), text);
        assert_eq!(set("B", "4"), text.replace(" 3 ", "4"));
        assert_eq!(set("C", "a&b"), text.replace("<C/>", "<C>a&amp;b</C>"));
        assert_eq!(set("D", "x"), text.replace("</A>", "<D>x</D></A>"));
        let one = with("<A at='1' />", |text, root| Some(append(text, root, "<B/>")));
        assert_eq!(one, "<A at='1'><B/></A>");
    }

    #[test]
    fn another_document_is_refused() {
        let read = |text: &str| parse("look", text, "A").map(|_| ()).map_err(|e| e.to_string());
        assert!(read("<A xmlns='n'/>").is_ok());
        for text in ["<B/>", "<n:A xmlns:n='n'/>", "<AB/>", "<A>", "", "<!DOCTYPE a><A/>"] {
            assert!(read(text).unwrap_err().starts_with("cannot look: the answer"), "{text}");
        }
    }
}
