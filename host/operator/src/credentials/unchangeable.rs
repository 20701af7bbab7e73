/// What keeps the modes of a file from being changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unchangeable {
    /// Files of this kind of file system have the modes that it was mounted with.
    FileSystem(&'static str),
    /// It belongs to someone else.
    Owner,
    /// It is on a mount that cannot be written to.
    ReadOnly,
}
