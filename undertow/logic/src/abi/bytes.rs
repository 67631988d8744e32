// SPDX-License-Identifier: GPL-2.0

//! Little-endian records: one macro that writes the struct, its size and
//! offset assertions, and both directions of the encoding from one list.

/// Declares a record that host and guest share.
///
/// Every field gives its byte offset; the struct does not compile when the
/// compiler places the field elsewhere, or when a gap or a tail is not named.
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident [$size:literal] {
            $(
                $(#[$field_meta:meta])*
                $at:literal: $field:ident: $ty:ident $([$count:literal])?,
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(C)]
        pub struct $name {
            $(
                $(#[$field_meta])*
                pub $field: record!(@type $ty $([$count])?),
            )*
        }

        impl $name {
            /// Bytes in the record.
            pub const SIZE: usize = $size;

            /// Name, offset and size of every field, as the header must have
            /// them.
            pub const FIELDS: &'static [(&'static str, usize, usize)] = &[
                $((
                    stringify!($field),
                    $at,
                    size_of::<record!(@type $ty $([$count])?)>(),
                ),)*
            ];

            /// The record with every byte zero.
            pub const ZERO: $name = $name {
                $($field: record!(@zero $($count)?),)*
            };

            /// Returns the record's bytes, little endian.
            pub fn to_bytes(&self) -> [u8; $size] {
                let mut bytes = [0; $size];
                $(record!(@put bytes, $at, self.$field, $ty $([$count])?);)*
                bytes
            }

            /// Reads the record from its bytes; any bytes are a record.
            pub fn from_bytes(bytes: &[u8; $size]) -> $name {
                let mut record = $name::ZERO;
                $(record!(@get bytes, $at, record.$field, $ty $([$count])?);)*
                record
            }
        }

        const _: () = {
            assert!(size_of::<$name>() == $size);
            let mut next = 0;
            $(
                assert!(core::mem::offset_of!($name, $field) == $at);
                assert!(next == $at, "a gap between fields is not named");
                next = $at + size_of::<record!(@type $ty $([$count])?)>();
            )*
            assert!(next == $size, "the tail is not named");
        };
    };

    (@type $ty:ident) => { $ty };
    (@type $ty:ident [$count:literal]) => { [$ty; $count] };
    (@zero) => { 0 };
    (@zero $count:literal) => { [0; $count] };

    (@put $bytes:ident, $at:literal, $value:expr, $ty:ident) => {
        $bytes[$at..$at + size_of::<$ty>()].copy_from_slice(&$value.to_le_bytes());
    };
    (@put $bytes:ident, $at:literal, $value:expr, $ty:ident [$count:literal]) => {
        for (chunk, item) in $bytes[$at..$at + size_of::<$ty>() * $count]
            .chunks_exact_mut(size_of::<$ty>())
            .zip($value.iter())
        {
            chunk.copy_from_slice(&item.to_le_bytes());
        }
    };
    (@get $bytes:ident, $at:literal, $value:expr, $ty:ident) => {
        let mut raw = [0; size_of::<$ty>()];
        raw.copy_from_slice(&$bytes[$at..$at + size_of::<$ty>()]);
        $value = $ty::from_le_bytes(raw);
    };
    (@get $bytes:ident, $at:literal, $value:expr, $ty:ident [$count:literal]) => {
        for (chunk, item) in $bytes[$at..$at + size_of::<$ty>() * $count]
            .chunks_exact(size_of::<$ty>())
            .zip($value.iter_mut())
        {
            let mut raw = [0; size_of::<$ty>()];
            raw.copy_from_slice(chunk);
            *item = $ty::from_le_bytes(raw);
        }
    };
}

pub(super) use record;
