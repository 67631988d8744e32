// SPDX-License-Identifier: GPL-2.0

//! What the host enforces on the pages of the gates: one line `UT-RIGHTS view=digits`, a digit
//! for each page: 1 is r, 5 is rx.

use kernel::{
    prelude::*,
    undertow::selftest,
    ThisModule, //
};

module! {
    type: Rights,
    name: "undertow_rights",
    authors: ["Undertow maintainers"],
    description: "Rights that the host enforces on the gates of Undertow",
    license: "GPL",
}

core::arch::global_asm!(
    r#"
    .pushsection .text..undertow.entry.RIGHTS, "ax", @progbits
    .globl ut_rights_null
    .type ut_rights_null, @function
ut_rights_null:
    endbr64
    ret
    int3
    .size ut_rights_null, . - ut_rights_null
    .popsection
    "#
);

undertow::compartment! {
    static RIGHTS: Compartment = {
        name: c"rights",
        stacks: 1,
    };
}

const PAGE: usize = 4096;

struct Rights;

impl kernel::Module for Rights {
    fn init(module: &'static ThisModule) -> Result<Self> {
        RIGHTS.register(module)?;
        let own = RIGHTS.view().ok_or(ENODEV)?;

        for (label, view) in [(c"root", 0), (c"transit", 1), (c"compartment", own)] {
            let mut digits = KVec::new();
            for page in selftest::gates().step_by(PAGE) {
                digits.push(b'0' + selftest::rights(view, page)?, GFP_KERNEL)?;
            }
            pr_info!(
                "UT-RIGHTS {}={}\n",
                label,
                core::str::from_utf8(&digits).map_err(|_| EINVAL)?
            );
        }
        Ok(Self)
    }
}
