//! Walks through a document's lists.

use core::ops::Range;

use super::{
    Node, ReplicaDescriptor,
    places::{self, LayerPlaces, Places},
};

/// The layers of a topology, each a list of mixes.
#[derive(Clone, Debug)]
pub struct Layers<'a> {
    document: &'a [u8],
    places: &'a LayerPlaces,
    left: Range<usize>,
}

impl<'a> Layers<'a> {
    pub(super) fn new(document: &'a [u8], places: &'a LayerPlaces) -> Self {
        Self { document, places, left: 0..places.len() }
    }
}

impl<'a> Iterator for Layers<'a> {
    type Item = Nodes<'a>;

    fn next(&mut self) -> Option<Nodes<'a>> {
        let left = self.places.layer(self.left.next()?)?;
        Some(Nodes { document: self.document, places: self.places.nodes(), left })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl ExactSizeIterator for Layers<'_> {}

/// The nodes of a list.
#[derive(Clone, Debug)]
pub struct Nodes<'a> {
    document: &'a [u8],
    places: &'a Places,
    left: Range<usize>,
}

impl<'a> Nodes<'a> {
    pub(super) fn all(document: &'a [u8], places: &'a Places) -> Self {
        Self { document, places, left: 0..places.len() }
    }
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let place = self.places.get(self.left.next()?)?;
        Some(places::node_at(self.document, place))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl ExactSizeIterator for Nodes<'_> {}

/// The replicas of a document.
#[derive(Clone, Debug)]
pub struct Replicas<'a> {
    document: &'a [u8],
    places: &'a Places,
    left: Range<usize>,
}

impl<'a> Replicas<'a> {
    pub(super) fn new(document: &'a [u8], places: &'a Places) -> Self {
        Self { document, places, left: 0..places.len() }
    }
}

impl Iterator for Replicas<'_> {
    type Item = ReplicaDescriptor;

    fn next(&mut self) -> Option<ReplicaDescriptor> {
        let place = self.places.get(self.left.next()?)?;
        places::replica_at(self.document, place)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl ExactSizeIterator for Replicas<'_> {}
