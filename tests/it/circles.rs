//! Files don't import each other in circles, but for those that are named here.
//!
//! A file counts as importing the file in which a name is defined, wherever the name is
//! re-exported. So a parent that only declares and re-exports its children is in no circle, and one
//! that defines what its children import, and uses the children, is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::layers::{code, sources};

/// Circles that remain, by their files, and why.
const REMAINING: [(&[&str], &str); 1] = [(
    &["predicate/compile", "predicate/expr", "predicate/matcher", "predicate/scalar/tree"],
    "SQL's own: a condition compares values, and a value may be a CASE that asks conditions, in \
     the tree and in what is compiled",
)];

/// A module's path, from the crate's root.
type Module = Vec<String>;

/// A name that a file brings in.
struct Import {
    /// As written.
    path: Vec<String>,
    name: String,
    is_export: bool,
}

struct Source {
    defined: BTreeSet<String>,
    imports: Vec<Import>,
    /// Other paths, as written.
    paths: Vec<Vec<String>>,
}

impl Source {
    fn parse(code: &str) -> Self {
        let (mut imports, mut rest) = (Vec::new(), String::new());
        for statement in code.split_inclusive(';') {
            let line = statement.rsplit_once("\nuse ").or_else(|| statement.rsplit_once(" use "));
            match line.map(|(before, tree)| (before, tree.trim_end_matches(';'))) {
                Some((before, tree)) if is_use_tree(tree) => {
                    let last = before.lines().last().unwrap_or_default();
                    rest.push_str(before);
                    expand(tree, &mut Vec::new(), last.contains("pub"), &mut imports);
                }
                _ => rest.push_str(statement),
            }
        }
        let words: Vec<&str> =
            rest.split(|c: char| !is_word(c)).filter(|w| !w.is_empty()).collect();
        let keywords =
            ["struct", "enum", "trait", "fn", "type", "const", "static", "mod", "macro_rules"];
        let defined = words.windows(2).filter(|pair| keywords.contains(&pair[0]));
        let paths =
            rest.split(|c: char| !is_word(c) && c != ':').filter(|path| path.contains("::"));
        Self {
            defined: defined.map(|pair| pair[1].to_owned()).collect(),
            imports,
            paths: paths.map(|path| path.split("::").map(str::to_owned).collect()).collect(),
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_use_tree(tree: &str) -> bool {
    tree.chars().all(|c| is_word(c) || c.is_whitespace() || ":{},*".contains(c))
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn expand(tree: &str, before: &mut Vec<String>, is_export: bool, found: &mut Vec<Import>) {
    let depth = before.len();
    let (plain, group) = tree.split_once('{').map_or((tree, None), |(a, b)| (a, Some(b)));
    let mut names = plain.trim().split(" as ");
    let path = names.next().unwrap_or_default();
    before.extend(path.split("::").map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned));
    if let Some(group) = group {
        let inner = group.trim_end().strip_suffix('}').unwrap_or(group);
        let mut open = 0;
        let parts = inner.split(|c| {
            open += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && open == 0
        });
        parts.filter(|part| !part.trim().is_empty()).for_each(|part| {
            expand(part, before, is_export, found);
        });
    } else {
        before.pop_if(|last| last == "self");
        let last = before.last().cloned().unwrap_or_default();
        let name = names.next().map_or(last, |name| name.trim().to_owned());
        found.push(Import { path: before.clone(), name, is_export });
    }
    before.truncate(depth);
}

struct Crate(BTreeMap<Module, Source>);

impl Crate {
    /// A path as written in a module, from the root; `None` where it leads out of the crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let parent = || module.split_last().map_or(&[][..], |(_, parent)| parent).to_vec();
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([module, rest].concat()),
            "super" if rest.first().is_some_and(|next| next == "super") => {
                self.absolute(&parent(), rest)
            }
            "super" => Some([&*parent(), rest].concat()),
            name => {
                let child = [&**module, std::slice::from_ref(first)].concat();
                if self.0.contains_key(&child) {
                    return Some([&*child, rest].concat());
                }
                let imports = &self.0.get(module)?.imports;
                let import =
                    imports.iter().find(|import| import.name == name && !rest.is_empty())?;
                let from = import.path.first().is_some_and(|first| first != name);
                let from = from.then(|| self.absolute(module, &import.path))??;
                Some([from, rest.to_vec()].concat())
            }
        }
    }

    /// The module that defines what a path from the root names; `None` for a module itself.
    fn definer(&self, path: &[String]) -> Option<Module> {
        let module = (0..path.len()).rev().map(|end| path[..end].to_vec());
        let module = module.into_iter().find(|module| self.0.contains_key(module))?;
        if self.0.contains_key(path) {
            return None;
        }
        let (name, rest) = path[module.len()..].split_first()?;
        let source = &self.0[&module];
        if name == "*" || source.defined.contains(name) {
            return Some(module);
        }
        let import = source.imports.iter().find(|import| import.name == *name)?;
        let from = self.absolute(&module, &import.path).filter(|from| from != path)?;
        self.definer(&[from, rest.to_vec()].concat())
    }

    fn imported_by(&self, module: &Module) -> BTreeSet<&Module> {
        let source = &self.0[module];
        let used = source.imports.iter().filter(|import| !import.is_export);
        let paths = used.map(|import| &import.path).chain(&source.paths);
        let definers = paths.filter_map(|path| self.definer(&self.absolute(module, path)?));
        let definers = definers.filter(|definer| definer != module && !definer.is_empty());
        definers.filter_map(|definer| Some(self.0.get_key_value(&definer)?.0)).collect()
    }

    /// All that a module leads to.
    fn reached<'a>(
        edges: &BTreeMap<&'a Module, BTreeSet<&'a Module>>,
        from: &'a Module,
    ) -> BTreeSet<&'a Module> {
        let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(module) = open.pop() {
            open.extend(edges[module].iter().copied().filter(|next| reached.insert(*next)));
        }
        reached
    }

    fn circles(&self) -> BTreeSet<Vec<String>> {
        let edges = self.0.keys().map(|module| (module, self.imported_by(module))).collect();
        let reached: BTreeMap<_, _> =
            self.0.keys().map(|module| (module, Self::reached(&edges, module))).collect();
        let circle = |module: &Module| {
            let both = reached[module].iter().filter(|other| reached[*other].contains(module));
            both.map(|module| module.join("/")).collect::<Vec<_>>()
        };
        self.0.keys().map(circle).filter(|circle| circle.len() > 1).collect()
    }
}

fn parsed<'f>(files: impl Iterator<Item = (&'f Path, String)>) -> Crate {
    let parse = |(path, text): (&Path, String)| {
        let path = path.with_extension("");
        let module = path.iter().map(|part| part.to_string_lossy().into_owned());
        let module = module.filter(|part| part != "mod" && part != "lib").collect();
        (module, Source::parse(&code(&text)))
    };
    Crate(files.map(parse).collect())
}

#[test]
fn files_import_each_other_in_no_other_circles() {
    let src = Path::new(crate::REPOSITORY).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    files
        .retain(|file| !file.ends_with("main.rs") && !file.to_string_lossy().ends_with("tests.rs"));
    let read = files
        .iter()
        .map(|file| (file.strip_prefix(&src).unwrap(), fs::read_to_string(file).unwrap()));
    let found: Vec<String> = parsed(read).circles().iter().map(|c| c.join(", ")).collect();
    let named: Vec<String> = REMAINING.iter().map(|(files, _)| files.join(", ")).collect();
    assert_eq!(found, named);
}

#[test]
fn a_circle_is_seen_behind_re_exports() {
    let circles = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(path, text)| (Path::new(*path), format!("\n{text}")));
        parsed(files).circles().into_iter().collect::<Vec<_>>()
    };
    let parent = ("a/mod.rs", "mod b;\nmod c;\npub use b::{B, Other as Renamed};\npub use c::C;");
    let b = ("a/b.rs", "use super::C;\npub struct B;\npub struct Other;");
    for user in ["use super::{B};", "use crate::a::Renamed;", "fn f() { super::b::B; }"] {
        let c = ("a/c.rs", &*format!("{user}\npub struct C;"));
        assert_eq!(circles(&[parent, b, c]), [["a/b", "a/c"]], "{user}");
    }
    let c = ("a/c.rs", "pub struct C;");
    assert_eq!(circles(&[parent, b, c]), Vec::<Vec<String>>::new());
    let parent = ("a/mod.rs", "mod b;\npub struct C;\nfn f() { b::B; }");
    assert_eq!(circles(&[parent, b]), [["a", "a/b"]]);
}
