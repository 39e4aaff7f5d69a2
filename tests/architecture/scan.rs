//! What a source names: its paths, with the line, the module and whether a test says it.

/// Macros that stand for code that is not there yet, or should not be there any more.
const UNFINISHED: &[&str] = &["todo", "unimplemented", "dbg"];

/// One file below `src/`.
pub(crate) struct Source {
    /// Its path from `src/`, with `/`.
    pub path: String,
    pub text: String,
}

impl Source {
    /// The module that the file is: `wire/frame.rs` is `wire::frame`.
    pub(crate) fn module(&self) -> Vec<&str> {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let mut module: Vec<&str> = path.split('/').collect();
        if matches!(module.last(), Some(&"mod" | &"lib" | &"main")) {
            module.pop();
        }
        module
    }

    /// The room that the file stands in; none for `lib.rs` and `main.rs`.
    pub(crate) fn room(&self) -> Option<&str> {
        self.module().first().copied()
    }
}

/// What a source names.
#[derive(Default)]
pub(crate) struct Scan {
    /// Every path that stands in it.
    pub paths: Vec<Named>,
    /// The macros of [`UNFINISHED`] that it calls.
    pub unfinished: Vec<(usize, String)>,
    /// Modules in files of their own that `#[cfg(test)]` stands before.
    pub test_modules: Vec<Vec<String>>,
}

/// A path as it is named somewhere; one inside the crate starts with `crate`.
#[derive(Debug)]
pub(crate) struct Named {
    pub names: Vec<String>,
    pub line: usize,
    pub in_test: bool,
}

impl Scan {
    pub(crate) fn of(source: &Source) -> Self {
        let module: Vec<String> = source.module().into_iter().map(str::to_owned).collect();
        let mut scanner = Scanner {
            tokens: tokens(&source.text),
            at: 0,
            module,
            blocks: Vec::new(),
            test_ahead: false,
            scan: Scan::default(),
        };
        scanner.run();
        scanner.scan
    }
}

/// The tokens of the attribute that makes an item a test's.
const CFG_TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

/// A block that is still open.
struct Block {
    opens_module: bool,
    in_test: bool,
}

struct Scanner {
    tokens: Vec<(usize, String)>,
    at: usize,
    /// The module in which the next token stands.
    module: Vec<String>,
    blocks: Vec<Block>,
    /// `#[cfg(test)]` was read, and the item that it belongs to was not yet.
    test_ahead: bool,
    scan: Scan,
}

impl Scanner {
    fn run(&mut self) {
        while let Some(token) = self.peek(0) {
            match token {
                "#" if self.is_cfg_test() => {
                    self.test_ahead = true;
                    self.at += CFG_TEST.len();
                }
                "mod" if self.peek(2) == Some("{") => {
                    let name = self.tokens[self.at + 1].1.clone();
                    self.module.push(name);
                    self.at += 2;
                    self.open(true);
                }
                "mod" if self.peek(2) == Some(";") => {
                    if self.in_test() {
                        let mut module = self.module.clone();
                        module.push(self.tokens[self.at + 1].1.clone());
                        self.scan.test_modules.push(module);
                    }
                    self.test_ahead = false;
                    self.at += 3;
                }
                "{" => self.open(false),
                "}" => {
                    if self.blocks.pop().is_some_and(|block| block.opens_module) {
                        self.module.pop();
                    }
                    self.at += 1;
                }
                ";" => {
                    self.test_ahead = false;
                    self.at += 1;
                }
                "use" => {
                    self.at += 1;
                    self.use_tree(&[]);
                }
                name if is_name(name) => self.path(),
                _ => self.at += 1,
            }
        }
    }

    fn open(&mut self, opens_module: bool) {
        let in_test = self.in_test();
        self.blocks.push(Block { opens_module, in_test });
        self.test_ahead = false;
        self.at += 1;
    }

    fn in_test(&self) -> bool {
        self.test_ahead || self.blocks.last().is_some_and(|block| block.in_test)
    }

    fn peek(&self, ahead: usize) -> Option<&str> {
        self.tokens.get(self.at + ahead).map(|(_, token)| token.as_str())
    }

    fn is_cfg_test(&self) -> bool {
        CFG_TEST.iter().enumerate().all(|(ahead, token)| self.peek(ahead) == Some(token))
    }

    /// Reads `a::b::{c, d::*}` after `use` and notes every path in it.
    fn use_tree(&mut self, above: &[String]) {
        let line = self.tokens.get(self.at).map_or(0, |(line, _)| *line);
        let mut names = above.to_vec();
        while let Some(token) = self.peek(0) {
            match token {
                "{" => {
                    self.at += 1;
                    while !matches!(self.peek(0), None | Some("}")) {
                        let before = self.at;
                        self.use_tree(&names);
                        // A comma, or what no `use` has: never the same token twice.
                        if self.peek(0) == Some(",") || self.at == before {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "as" => self.at += 2,
                "::" => self.at += 1,
                "*" => {
                    names.push("*".to_owned());
                    self.at += 1;
                }
                name if is_name(name) => {
                    names.push(name.to_owned());
                    self.at += 1;
                }
                _ => break,
            }
        }
        // `use crate as x` would name every room.
        if names == ["crate"] {
            names.push("*".to_owned());
        }
        self.note(line, names);
    }

    /// Reads `a::b::c` in the middle of code.
    fn path(&mut self) {
        let line = self.tokens[self.at].0;
        let mut names = vec![self.tokens[self.at].1.clone()];
        self.at += 1;
        while self.peek(0) == Some("::") && self.peek(1).is_some_and(is_name) {
            names.push(self.tokens[self.at + 1].1.clone());
            self.at += 2;
        }
        let last = names.last().map_or("", String::as_str);
        if self.peek(0) == Some("!") && UNFINISHED.contains(&last) {
            self.scan.unfinished.push((line, last.to_owned()));
        }
        self.note(line, names);
    }

    /// Notes a path, spelled from the crate's root if it is one of ours.
    fn note(&mut self, line: usize, names: Vec<String>) {
        let relative =
            names.iter().take_while(|name| matches!(name.as_str(), "self" | "super")).count();
        let names = if relative == 0 {
            names
        } else {
            let mut module = self.module.clone();
            for name in &names[..relative] {
                if name == "super" {
                    module.pop();
                }
            }
            let rest = &names[relative..];
            [&["crate".to_owned()], module.as_slice(), rest].concat()
        };
        let in_test = self.in_test();
        self.scan.paths.push(Named { names, line, in_test });
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The names and signs of a source with their lines, without comments, literals and lifetimes.
fn tokens(text: &str) -> Vec<(usize, String)> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let in_word = |index: usize| at(index).is_alphanumeric() || at(index) == '_';
    let end_of_word = |from: usize| skip_until(&chars, from, |index| !in_word(index));
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut here = 0;
    while here < chars.len() {
        let literal = end_of_string(&chars, here);
        let (end, counts) = match (at(here), at(here + 1)) {
            ('/', '/') => (skip_until(&chars, here, |index| at(index) == '\n'), false),
            ('/', '*') => (end_of_comment(&chars, here), false),
            _ if literal.is_some() => (literal.unwrap_or(here), false),
            // A character; else a lifetime, whose name is no path.
            ('\'', '\\') => {
                let quote = skip_until(&chars, here + 3, |index| at(index) == '\'');
                (quote + 1, false)
            }
            ('\'', _) if at(here + 2) == '\'' => (here + 3, false),
            ('\'', _) => (end_of_word(here + 1), false),
            (':', ':') => (here + 2, true),
            _ if in_word(here) => (end_of_word(here), true),
            (c, _) => (here + 1, !c.is_whitespace()),
        };
        let end = end.min(chars.len());
        let token: String = chars[here..end].iter().collect();
        let lines = token.matches('\n').count();
        if counts {
            tokens.push((line, token));
        }
        line += lines;
        here = end;
    }
    tokens
}

fn skip_until(chars: &[char], from: usize, stop: impl Fn(usize) -> bool) -> usize {
    (from..chars.len()).find(|index| stop(*index)).unwrap_or(chars.len())
}

fn end_of_comment(chars: &[char], from: usize) -> usize {
    let mut depth = 0;
    let mut here = from;
    while here + 1 < chars.len() {
        match (chars[here], chars[here + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                here += 1;
                continue;
            }
        }
        here += 2;
        if depth == 0 {
            return here;
        }
    }
    chars.len()
}

/// The end of `"…"`, `b"…"`, `r#"…"#` and the like, if one starts here.
fn end_of_string(chars: &[char], from: usize) -> Option<usize> {
    let count = |start: usize, wanted: fn(&char) -> bool| {
        chars[start..].iter().take_while(|c| wanted(c)).count()
    };
    let letters = count(from, |c| matches!(c, 'r' | 'b' | 'c'));
    let hashes = count(from + letters, |c| *c == '#');
    let quote = from + letters + hashes;
    if letters > 2 || chars.get(quote) != Some(&'"') {
        return None;
    }
    if chars[from..from + letters].contains(&'r') {
        let closes =
            |index: usize| chars[index] == '"' && count(index + 1, |c| *c == '#') >= hashes;
        return Some(skip_until(chars, quote + 1, closes) + 1 + hashes);
    }
    if hashes > 0 {
        return None;
    }
    let mut here = quote + 1;
    while here < chars.len() && chars[here] != '"' {
        here += if chars[here] == '\\' { 2 } else { 1 };
    }
    Some(here + 1)
}
