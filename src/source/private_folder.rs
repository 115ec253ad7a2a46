//! Folders that only their owner may look into.

use std::fs::DirBuilder;
use std::io;
use std::path::Path;

/// Makes such a folder. Whatever has the name already, a link that leads nowhere too, is an error.
///
/// # Errors
/// When it can't be made.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    // Only Unix changes it.
    let builder = &mut builder;
    builder.create(path)
}
