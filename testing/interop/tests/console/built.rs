//! The console's built files are those of its sources, as far as somebody can build them here.

use std::path::Path;
use std::process::Command;

use hijack_interop::peer::find;

#[test]
fn the_built_files_are_those_of_the_sources() {
    let Some(_npm) = find("HIJACK_NPM", "npm") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../console/build.sh");
    let ran = Command::new(script).arg("--check").output().expect("the script starts");
    let said = String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(TOOLS_ARE_MISSING) {
        eprintln!("skipped: {said}");
        return;
    }
    assert!(ran.status.success(), "{said}");
}

/// See `console/build.sh`.
const TOOLS_ARE_MISSING: i32 = 3;
