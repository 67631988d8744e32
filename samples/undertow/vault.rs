// SPDX-License-Identifier: GPL-2.0

//! A key that signs and that nobody reads.
//!
//! The first `write()` to an open `/dev/undertow_vault` is the key, at most 64 bytes. It goes from
//! user space straight into a region that only the compartment below can read: not another
//! compartment, and not the rest of the kernel either. Each later `write()` is a message; a `read()`
//! then gets its HMAC-SHA-256. The key is gone when the file is closed.

use kernel::{
    fs::{
        File,
        Kiocb, //
    },
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    new_mutex,
    prelude::*,
    sync::Mutex,
    undertow::{
        Policy,
        Region, //
    }, //
};

mod hmac;

/// In bytes.
const MAX_MESSAGE: usize = 1 << 20;

module! {
    type: VaultModule,
    name: "undertow_vault",
    authors: ["Undertow maintainers"],
    description: "Key that only a compartment can read",
    license: "GPL",
}

undertow::compartment! {
    /// Where messages are signed. What is computed from the key on its stack is as good as the key.
    static VAULT: Compartment = {
        name: c"vault",
        stacks: 2,
        heap: 4096,
        secret: true,
    };
}

/// Signs with the key at an address that can be read in here only.
#[undertow::isolated(VAULT)]
fn sign(key: usize, message: &[u8]) -> Result<[u8; hmac::DIGEST]> {
    // SAFETY: The caller holds the locked region that this is in: it lives, and nobody writes it.
    let key = unsafe { &*(key as *const [u8; hmac::BLOCK]) };
    Ok(hmac::sign(key, message))
}

/// Takes a key from user space and locks it away.
fn lock_away(iov: &mut IovIterSource<'_>) -> Result<Region> {
    let wanted = iov.len();
    if wanted > hmac::BLOCK {
        return Err(EFBIG);
    }
    let mut region = Region::new(hmac::BLOCK, Policy::KernelRw)?;
    region.give_to(&VAULT)?;
    let room = region.bytes_mut().ok_or(EBUSY)?;
    if iov.copy_from_iter(&mut room[..wanted]) != wanted {
        return Err(EFAULT);
    }
    region.lock(c"vault key")?;
    Ok(region)
}

#[pin_data]
struct VaultModule {
    #[pin]
    device: MiscDeviceRegistration<VaultDevice>,
}

impl kernel::InPlaceModule for VaultModule {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _: { VAULT.register(module)? },
            device <- MiscDeviceRegistration::register(MiscDeviceOptions {
                name: c"undertow_vault",
            }),
        })
    }
}

/// An open file: its key, and the signature of what was last written to it.
struct Held {
    key: Option<Region>,
    signature: Option<[u8; hmac::DIGEST]>,
}

#[pin_data]
struct VaultDevice {
    #[pin]
    held: Mutex<Held>,
}

#[vtable]
impl MiscDevice for VaultDevice {
    type Ptr = Pin<KBox<Self>>;

    fn open(_file: &File, _device: &MiscDeviceRegistration<Self>) -> Result<Self::Ptr> {
        let held = Held {
            key: None,
            signature: None,
        };
        KBox::pin_init(
            pin_init!(Self {
                held <- new_mutex!(held),
            }),
            GFP_KERNEL,
        )
    }

    fn write_iter(mut kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterSource<'_>) -> Result<usize> {
        let me = kiocb.file();
        let mut held = me.held.lock();
        held.signature = None;
        let length = iov.len();
        match &held.key {
            None => held.key = Some(lock_away(iov)?),
            Some(_) if length > MAX_MESSAGE => return Err(EFBIG),
            Some(key) => {
                let mut message = KVVec::new();
                iov.copy_from_iter_vec(&mut message, GFP_KERNEL)?;
                held.signature = Some(sign(key.as_ptr() as usize, &message)?);
            }
        }
        *kiocb.ki_pos_mut() = 0;
        Ok(length)
    }

    fn read_iter(mut kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterDest<'_>) -> Result<usize> {
        let me = kiocb.file();
        let held = me.held.lock();
        let signature = held.signature.as_ref().ok_or(ENODATA)?;
        iov.simple_read_from_buffer(kiocb.ki_pos_mut(), signature)
    }
}
