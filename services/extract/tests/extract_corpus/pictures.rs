//! Pictures that claim more than they hold.

use crate::Made;

fn png(width: u32, height: u32) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &size, b"\x08\x02\0\0\0\0\0\0\0"].concat()
}

/// A directory with a width and a height, and where the next one stands.
fn tiff(width: u32, height: u32, next: u32) -> Vec<u8> {
    let entry = |tag: u16, value: u32| {
        [&tag.to_le_bytes()[..], &4_u16.to_le_bytes(), &1_u32.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    [b"II*\0\x08\0\0\0\x02\0".to_vec(), entry(256, width), entry(257, height), next.to_le_bytes().to_vec()].concat()
}

pub(crate) fn make(each: &mut dyn FnMut(Made)) {
    let mut give = |name: &str, bytes: Vec<u8>| each((name.to_owned(), bytes));
    give("flood.png", png(100_000, 100_000));
    give("overflow.png", png(u32::MAX, u32::MAX));
    give("nothing.png", png(0, 0));
    give("cut.png", b"\x89PNG\r\n\x1a\n\0\0".to_vec());
    give("png-called.txt", png(16, 16));
    give("flood.tif", tiff(1_000_000, 1_000_000, 0));
    give("loop.tif", tiff(10, 10, 8));
    give("beyond.tif", tiff(10, 10, 0xFFFF_FFF0));
    give("flood.jpg", b"\xFF\xD8\xFF\xE0\0\x04JF\xFF\xC0\0\x11\x08\xFF\xFF\xFF\xFF\x03".to_vec());
    give("fill.jpg", [b"\xFF\xD8".to_vec(), vec![0xFF; 1 << 20]].concat());
    give("program.pdf", [b"\x7FELF".to_vec(), vec![0; 4096]].concat());
}
