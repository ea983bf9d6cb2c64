//! Draws the chain of trust as SVG: cards below one another, each further in than what vouches for it, with a line between the two.
//!
//! The picture is as wide as a telephone, so it needs no second form for narrow windows. Lengths are in units of the picture, about pixels.

use super::graph::{Bond, Node};
use crate::bytes::html::{escape, identifier};
use crate::bytes::visible;

const WIDTH: usize = 360;
/// How much further in a card is than the one it hangs from.
const INDENT: usize = 22;
/// Depth from which on cards do not move further in.
const DEPTH_MAX: usize = 6;
/// Where the line leaves a card, from its left edge.
const RAIL: usize = 9;
/// Between a card's edge and its text.
const PAD: usize = 10;
/// Height of a line of text in a card.
const LINE: usize = 16;
/// Height of a line above a card.
const LABEL_LINE: usize = 14;
/// Above what stands above a card.
const GAP: usize = 14;
/// Width of ten characters of a font that is 12 units high, as in cards: in the widest fixed-width ones a character has 0.602 of the height.
const TEN_CHARACTERS: usize = 73;
/// The same for 11 units, as above cards.
const TEN_SMALL: usize = 67;
/// Lines of one text that are drawn; the title of the card or line has all of it.
const LINES_MAX: usize = 6;

/// The picture; its ids begin with `prefix`.
pub(super) fn draw(nodes: &[Node], prefix: &str) -> String {
    let mut canvas = Canvas {
        prefix,
        y: 1,
        places: vec![Place::default(); nodes.len()],
        lines: String::new(),
        broken: String::new(),
        cards: String::new(),
    };
    for (number, depth) in from_above(nodes) {
        if let Some(node) = nodes.get(number) {
            canvas.node(node, number, INDENT * depth.min(DEPTH_MAX));
        }
    }
    format!(
        "<svg class=\"picture\" id=\"{prefix}-picture\" viewBox=\"0 0 {WIDTH} {}\" role=\"graphics-document\" \
         aria-labelledby=\"{prefix}-picture-title\">\n<title id=\"{prefix}-picture-title\">The chain of trust, from what is believed down \
         to the server</title>\n{}{}{}</svg>\n",
        canvas.y + 1,
        canvas.lines,
        canvas.broken,
        canvas.cards
    )
}

/// Every node with its depth, each before what hangs from it.
fn from_above(nodes: &[Node]) -> Vec<(usize, usize)> {
    let below = |above: Option<usize>, depth: usize| {
        let numbered = nodes.iter().enumerate().rev();
        let found = numbered.filter(move |(_, node)| node.above == above);
        found.map(move |(number, _)| (number, depth))
    };
    let mut order = Vec::new();
    let mut stack: Vec<(usize, usize)> = below(None, 0).collect();
    while let Some((number, depth)) = stack.pop() {
        order.push((number, depth));
        stack.extend(below(Some(number), depth + 1));
    }
    order
}

/// Where a card was drawn.
#[derive(Clone, Debug, Default)]
struct Place {
    id: String,
    left: usize,
    bottom: usize,
}

struct Canvas<'a> {
    prefix: &'a str,
    /// Where the next thing begins.
    y: usize,
    places: Vec<Place>,
    /// What is between the cards; what is broken is drawn over the rest.
    lines: String,
    broken: String,
    cards: String,
}

impl Canvas<'_> {
    fn node(&mut self, node: &Node, number: usize, left: usize) {
        let id = self.new_id(node);
        let label = self.label(node, left);
        let top = self.y;
        self.card(node, &id, left);
        let middle = top.midpoint(self.y);
        let line = self.line(node, &id, left, middle);
        let tie = format!(
            "<g class=\"link {} {bond}\" id=\"{}-to-{id}\" data-bond=\"{bond}\" data-from=\"{}\" data-to=\"{id}\"><title>{}</title>{line}{label}</g>\n",
            node.tie,
            self.prefix,
            self.above(node).map_or("", |place| place.id.as_str()),
            escape(&title_of_tie(node)),
            bond = node.bond.word(),
        );
        match node.bond {
            Bond::Broken => self.broken += &tie,
            Bond::Proven | Bond::Unproven | Bond::Unreached => self.lines += &tie,
        }
        if let Some(place) = self.places.get_mut(number) {
            *place = Place {
                id,
                left,
                bottom: self.y,
            };
        }
    }

    /// The same in every picture of the same things.
    fn new_id(&self, node: &Node) -> String {
        let name = match node.name.as_str() {
            ". (root)" => "root",
            name => name.trim_end_matches('.'),
        };
        let id = format!(
            "{}-{}-{}",
            self.prefix,
            identifier(&node.heading),
            identifier(name)
        );
        let is_taken = |id: &str| self.places.iter().any(|place| place.id == id);
        let mut unique = id.clone();
        // Each node takes one id, so one of so many is free.
        for number in 2..=self.places.len() {
            if !is_taken(&unique) {
                break;
            }
            unique = format!("{id}-{number}");
        }
        unique
    }

    fn above(&self, node: &Node) -> Option<&Place> {
        node.above.and_then(|number| self.places.get(number))
    }

    /// What stands above a card: what ties it to the card above, and why that does not hold.
    fn label(&mut self, node: &Node, left: usize) -> String {
        self.y += GAP;
        let mut text = String::new();
        let columns = (WIDTH - left) * 10 / TEN_SMALL;
        let label = fold(&node.label, columns)
            .into_iter()
            .map(|line| ("label", line));
        let why = node.why.iter().flat_map(|why| fold(why, columns));
        for (class, line) in label.chain(why.map(|line| ("why", line))) {
            text += &written(class, left, self.y, &line, TEN_SMALL);
            self.y += LABEL_LINE;
        }
        self.y -= LABEL_LINE / 2;
        text
    }

    fn card(&mut self, node: &Node, id: &str, left: usize) {
        let (top, width) = (self.y, WIDTH - left - 1);
        let columns = (width - 2 * PAD) * 10 / TEN_CHARACTERS;
        let mut text = String::new();
        self.y += LINE + 2;
        text += &written("heading", left + PAD, self.y, &node.heading, TEN_SMALL);
        for line in fold(&node.name, columns) {
            self.y += LINE;
            text += &written("name", left + PAD, self.y, &line, TEN_CHARACTERS);
        }
        for line in &node.lines {
            let key = line.key.as_ref().map(|key| {
                format!(
                    " data-tag=\"{}\" data-algorithm=\"{}\"",
                    key.tag,
                    escape(&key.algorithm.to_string())
                )
            });
            let mut group = String::new();
            for line in fold(&line.text, columns) {
                self.y += LINE;
                group += &written("line", left + PAD, self.y, &line, TEN_CHARACTERS);
            }
            text += &match key {
                Some(key) => format!("<g class=\"key\"{key}>{group}</g>"),
                None => group,
            };
        }
        self.y += PAD;
        self.cards += &format!(
            "<g class=\"node {kind} {bond}\" id=\"{id}\" data-kind=\"{kind}\" data-name=\"{name}\" data-bond=\"{bond}\"><title>{title}</title>\
             <rect class=\"card\" x=\"{left}.5\" y=\"{top}.5\" width=\"{width}\" height=\"{}\" rx=\"6\"/>{text}</g>\n",
            self.y - top,
            kind = node.kind.word(),
            bond = node.bond.word(),
            name = escape(&node.name),
            title = escape(&title_of_card(node)),
        );
    }

    /// The line from the card above; with a cross where it is broken.
    fn line(&self, node: &Node, id: &str, left: usize, middle: usize) -> String {
        let Some(above) = self.above(node) else {
            return String::new();
        };
        let rail = above.left + RAIL;
        // At the greatest depth a card stands right below the one above.
        let end = left.max(rail);
        let path = format!(
            "<path class=\"wire\" id=\"{}-wire-of-{id}\" d=\"M{rail} {} V{middle} H{end}\"/>",
            self.prefix, above.bottom
        );
        match node.bond {
            Bond::Broken => {
                let (west, east, north, south) = (rail - 3, rail + 3, middle - 3, middle + 3);
                format!(
                    "{path}<circle class=\"break\" cx=\"{rail}\" cy=\"{middle}\" r=\"7\"/>\
                     <path class=\"cross\" d=\"M{west} {north} L{east} {south} M{west} {south} L{east} {north}\"/>"
                )
            }
            Bond::Proven | Bond::Unproven | Bond::Unreached => path,
        }
    }
}

fn title_of_tie(node: &Node) -> String {
    let why = node.why.as_ref().map(|why| format!(": {why}"));
    let (bond, label) = (node.bond.word(), &node.label);
    format!("{bond}: {label}{}", why.unwrap_or_default())
}

fn title_of_card(node: &Node) -> String {
    let mut title = format!("{} {} ({})", node.heading, node.name, node.bond.word());
    for line in &node.lines {
        title += &format!("\n{}", line.text);
    }
    title
}

/// One line of text. Where characters may be wider than those of the font, they are made to fit.
fn written(class: &str, x: usize, y: usize, text: &str, ten: usize) -> String {
    let fit = match text.is_ascii() {
        true => String::new(),
        false => format!(
            " textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"",
            text.chars().count() * ten / 10
        ),
    };
    format!(
        "<text class=\"{class}\" x=\"{x}\" y=\"{y}\"{fit}>{}</text>",
        escape(text)
    )
}

/// The text in lines of so many columns, broken at blanks, else behind a dot or hyphen, else anywhere; what is too long ends in an ellipsis.
fn fold(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = visible(text);
    while !rest.is_empty() {
        let end = rest.char_indices().nth(columns).map(|(end, _)| end);
        let Some((head, _)) = end.and_then(|end| rest.split_at_checked(end)) else {
            lines.push(rest);
            break;
        };
        if lines.len() + 1 == LINES_MAX {
            let head: String = head.chars().take(columns.saturating_sub(1)).collect();
            lines.push(format!("{}…", head.trim_end()));
            break;
        }
        let blank = head.rfind(' ').filter(|place| *place > 0);
        let cut = blank.or_else(|| head.rfind(['.', '-']).map(|place| place + 1));
        let (line, left) = rest
            .split_at_checked(cut.unwrap_or(head.len()))
            .unwrap_or((head, ""));
        let (line, left) = (line.trim_end().to_owned(), left.trim_start().to_owned());
        lines.push(line);
        rest = left;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::graph::Kind;

    #[test]
    fn long_texts_are_folded() {
        let hex = "A".repeat(25);
        for (text, lines) in [
            ("", &[][..]),
            ("short", &["short"]),
            ("two words here", &["two words", "here"]),
            ("mail.example.org", &["mail.", "example.", "org"]),
            (&hex, &["AAAAAAAAAA", "AAAAAAAAAA", "AAAAA"]),
            ("ü ü ü ü ü ü ü", &["ü ü ü ü ü", "ü ü"]),
            ("a\u{202e}b", &["a\\u{202e}b"]),
        ] {
            assert_eq!(fold(text, 10), lines, "{text}");
        }
        let many = fold(&"word ".repeat(99), 10);
        assert_eq!(
            (many.len(), many[LINES_MAX - 1].as_str()),
            (LINES_MAX, "word word…")
        );
    }

    fn node(name: &str, above: Option<usize>, bond: Bond) -> Node {
        Node {
            kind: Kind::Zone,
            heading: "zone".to_owned(),
            name: name.to_owned(),
            lines: Vec::new(),
            above,
            tie: "ds",
            bond,
            label: "DS 1".to_owned(),
            why: None,
        }
    }

    /// Whatever the names are, ids are unique and every link names two cards.
    #[test]
    fn links_lead_from_card_to_card() {
        let mut nodes = vec![node(". (root)", None, Bond::Proven)];
        for (number, name) in ["\"><x", "'><x", "a b", "a-b", "a-b", ""]
            .iter()
            .enumerate()
        {
            nodes.push(node(name, Some(number), Bond::Broken));
        }
        let svg = draw(&nodes, "s1");
        let ids: Vec<&str> = svg
            .split(" id=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{ids:?}");
        for end in ["data-from=\"", "data-to=\""] {
            let ends: Vec<&str> = svg
                .split(end)
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
                .collect();
            assert_eq!(ends.len(), nodes.len());
            assert!(
                ends.iter().all(|id| id.is_empty() || ids.contains(id)),
                "{ends:?} {ids:?}"
            );
        }
        assert!(
            !svg.contains("<x") && svg.contains("id=\"s1-zone-root\""),
            "{svg}"
        );
        assert_eq!(svg.matches("class=\"break\"").count(), 6);
    }
}
