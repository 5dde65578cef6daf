//! The tree: a node is a key with a value or a directory of nodes. Which indices and ends it gets is decided above.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::event::View;
use super::moment::Moment;
use super::path::parts;

/// What is in a directory, by name.
pub(super) type Children = BTreeMap<Box<str>, Node>;

/// One key or directory.
#[derive(Debug)]
pub struct Node {
    pub(super) content: Inside,
    /// When it ends.
    pub(super) expiry: Option<Moment>,
    /// createdIndex.
    pub(super) created: u64,
    /// modifiedIndex.
    pub(super) modified: u64,
}

#[derive(Debug)]
pub(super) enum Inside {
    Value(Arc<str>),
    Dir(Children),
}

impl Node {
    pub(super) fn dir(index: u64, expiry: Option<Moment>) -> Self {
        Self { content: Inside::Dir(Children::new()), expiry, created: index, modified: index }
    }

    pub(super) fn key(value: Arc<str>, index: u64, expiry: Option<Moment>) -> Self {
        Self { content: Inside::Value(value), expiry, created: index, modified: index }
    }

    /// What is in a directory by name; `None` for a key.
    pub(super) fn children(&self) -> Option<&Children> {
        match &self.content {
            Inside::Dir(children) => Some(children),
            Inside::Value(_) => None,
        }
    }

    fn children_mut(&mut self) -> Option<&mut Children> {
        match &mut self.content {
            Inside::Dir(children) => Some(children),
            Inside::Value(_) => None,
        }
    }

    pub(super) fn is_dir(&self) -> bool {
        self.children().is_some()
    }

    /// The value of a key; `None` for a directory.
    #[must_use]
    pub fn value(&self) -> Option<&Arc<str>> {
        match &self.content {
            Inside::Value(value) => Some(value),
            Inside::Dir(_) => None,
        }
    }

    /// What a listing shows of a directory: all but what is hidden, by name.
    pub fn listed(&self) -> impl Iterator<Item = (&str, &Self)> {
        let shown = |(name, _): &(&str, &Self)| !name.starts_with('_');
        self.children().into_iter().flatten().map(|(name, node)| (&**name, node)).filter(shown)
    }

    /// The node as it is now, under the path it has.
    #[must_use]
    pub fn view(&self, path: &str, now: Moment) -> View {
        let mut view = View::bare(path, self.is_dir(), self.created, self.modified).ending(self.expiry, now);
        view.value = self.value().cloned();
        view
    }

    /// The node at a path below this one.
    pub(super) fn at_mut(&mut self, path: &str) -> Option<&mut Self> {
        parts(path).try_fold(self, |node, name| node.children_mut()?.get_mut(name))
    }

    /// The children of the directory at a path below this one, made with all that is missing on the way. `None` if a
    /// key is in the way.
    pub(super) fn make_way(&mut self, path: &str, index: u64) -> Option<&mut Children> {
        let dir = parts(path).try_fold(self, |node, name| {
            Some(node.children_mut()?.entry(name.into()).or_insert_with(|| Self::dir(index, None)))
        });
        dir?.children_mut()
    }

    /// Everything in this node and itself, innermost first, with its path.
    pub(super) fn each_inside<'a>(&'a self, path: &str, each: &mut dyn FnMut(&str, &'a Self)) {
        for (name, child) in self.children().into_iter().flatten() {
            child.each_inside(&format!("{path}/{name}"), each);
        }
        each(path, self);
    }
}
