//! A frame taken apart: what it is about and whom it names, before anything in it is read.

use crate::cbor::{
    Budget, CONTAINER_LEN_MAX, CborError, CborProblem, Extents, ITEMS_MAX, MemberProblem, Reader, Value,
};

use super::{QueryId, SurbId};

/// The member that ties a reply to its request.
pub(super) const QUERY_ID: &str = "query_id";
/// The member that says whether a request succeeded.
pub(super) const ERROR_CODE: &str = "error_code";
/// The member that ties an event to its message.
const SURB_ID: &str = "surbid";

/// The longest item that is read as an id; one in pieces is longer than it need be.
const ID_ITEM_LEN_MAX: usize = 64;

/// A frame's body, taken apart in one pass that allocates nothing.
///
/// The first member that is set and whose name is known counts. Its key and its code are found by where they begin and end, so
/// what is wrong with another member does not hide them; of several with one name the first that is not null counts.
///
/// What is left out of the pass is checked by whoever reads: [`flaw`](Self::flaw).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delimited<'a, K> {
    whole: &'a [u8],
    said: Option<Said<'a, K>>,
    flaw: Option<CborError>,
    /// Whether anything but the one member is set.
    others: bool,
}

/// The member that counts.
#[derive(Clone, Copy, Debug)]
struct Said<'a, K> {
    name: K,
    /// The value, to the end of the frame if its own can't be found.
    item: &'a [u8],
    members: Members<'a>,
}

/// What is looked for in it.
#[derive(Clone, Copy, Debug, Default)]
struct Members<'a> {
    query_id: Met<'a>,
    error_code: Met<'a>,
    surb_id: Met<'a>,
}

/// A member that was met, or not.
#[derive(Clone, Copy, Debug, Default)]
struct Met<'a> {
    /// The first value that is not null.
    item: Option<&'a [u8]>,
    times: u8,
}

impl<'a> Met<'a> {
    fn meet(&mut self, item: Option<&'a [u8]>) {
        self.item = self.item.or(item);
        self.times = self.times.saturating_add(1);
    }

    /// Reads the value; there may be one at most.
    fn read<T: Value>(self) -> Result<Option<T>, MemberProblem> {
        if self.times > 1 {
            return Err(MemberProblem::Duplicate);
        }
        self.item.map(|item| T::read(&mut Reader::new(item))).transpose()
    }

    fn id<T: Value>(self) -> Option<T> {
        let item = self.item.filter(|item| item.len() <= ID_ITEM_LEN_MAX)?;
        T::read(&mut Reader::new(item)).ok()
    }
}

impl<'a, K: Copy> Delimited<'a, K> {
    pub(crate) fn new(whole: &'a [u8], known: impl Fn(&str) -> Option<K>) -> Self {
        let mut frame = Self { whole, said: None, flaw: None, others: false };
        let mut extents = Extents::new(whole);
        if let Err(flaw) = frame.outer(&mut extents, known) {
            frame.flaw = Some(flaw);
        } else if !extents.is_at_end() {
            frame.flaw = Some(extents.error(CborProblem::Trailing));
        } else if extents.items() > ITEMS_MAX {
            frame.flaw = Some(extents.error(CborProblem::TooManyItems));
        }
        frame
    }

    fn outer(
        &mut self,
        extents: &mut Extents<'a>,
        known: impl Fn(&str) -> Option<K>,
    ) -> Result<(), CborError> {
        let pairs = extents.map()?;
        let mut read = 0;
        while extents.more(pairs, read)? {
            read += 1;
            let name = extents.name()?;
            if extents.take_null()? {
                continue;
            }
            let name = core::str::from_utf8(name).ok().filter(|_| self.said.is_none()).and_then(&known);
            if let Some(name) = name {
                self.inner(name, extents)?;
            } else {
                self.others = true;
                extents.skip()?;
            }
        }
        // A longer one was walked through nevertheless: whom it names can be told.
        if read > CONTAINER_LEN_MAX as u64 {
            return Err(CborError { offset: 0, problem: CborProblem::ContainerTooLong });
        }
        Ok(())
    }

    /// Passes over the member that counts; what was found up to where it breaks off is kept.
    fn inner(&mut self, name: K, extents: &mut Extents<'a>) -> Result<(), CborError> {
        let rest = extents.rest();
        let mut members = Members::default();
        let passed = members.pass(extents);
        let item = rest.get(..rest.len() - extents.rest().len()).unwrap_or_default();
        self.said = Some(Said { name, item: if passed.is_ok() { item } else { rest }, members });
        passed
    }

    /// What the frame is about, `None` if nothing is set that is known.
    pub(crate) fn name(&self) -> Option<K> {
        self.said.map(|said| said.name)
    }

    /// The query it names.
    pub(crate) fn query_id(&self) -> Option<QueryId> {
        self.said?.members.query_id.id()
    }

    /// The message it names.
    pub(crate) fn surb_id(&self) -> Option<SurbId> {
        self.said?.members.surb_id.id()
    }

    /// The value of the query id, which there has to be one of at most.
    pub(super) fn read_query_id(&self) -> Result<Option<QueryId>, MemberProblem> {
        self.said.map_or(Ok(None), |said| said.members.query_id.read())
    }

    /// The value of the error code, which there has to be one of at most.
    pub(super) fn read_error_code(&self) -> Result<Option<u8>, MemberProblem> {
        self.said.map_or(Ok(None), |said| said.members.error_code.read())
    }

    /// A reader at the value that counts, whose members are not checked.
    pub(super) fn reader(&self) -> Reader<'a> {
        let budget = Budget::in_frame(self.whole.len());
        Reader::with_budget(self.said.map_or(&[], |said| said.item), budget).inside()
    }

    /// What is wrong outside the value that counts, or keeps it from being told apart.
    ///
    /// Beside what the pass has found, this is whatever a reader finds in other members that are set. Those that are null, and
    /// their names, are not looked at.
    pub(crate) fn flaw(&self) -> Option<CborError> {
        self.flaw.or_else(|| if self.others { Reader::new(self.whole).skip().err() } else { None })
    }
}

impl<'a> Members<'a> {
    fn pass(&mut self, extents: &mut Extents<'a>) -> Result<(), CborError> {
        let start = *extents;
        let Ok(pairs) = extents.map() else {
            // No map: nothing is looked for in it.
            *extents = start;
            return extents.skip();
        };
        let mut read = 0;
        while extents.more(pairs, read)? {
            read += 1;
            let name = extents.name()?;
            let member = match name {
                name if name == QUERY_ID.as_bytes() => &mut self.query_id,
                name if name == ERROR_CODE.as_bytes() => &mut self.error_code,
                name if name == SURB_ID.as_bytes() => &mut self.surb_id,
                _ => {
                    extents.skip()?;
                    continue;
                }
            };
            let item = if extents.take_null()? { None } else { Some(extents.item()?) };
            member.meet(item);
        }
        Ok(())
    }
}
