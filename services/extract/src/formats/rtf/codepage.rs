//! Code pages: bytes of an RTF file → characters.

use encoding_rs::Encoding;

/// The upper halves of the two code pages of old PCs, which the web never used.
const PC: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";
const PC_LATIN: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}";

/// How bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodePage {
    Known(&'static Encoding),
    /// ASCII, and this upper half.
    Table(&'static str),
    /// Signs of a symbol font, which have no other meaning.
    Symbol,
}

impl CodePage {
    pub(super) const WESTERN: Self = Self::Known(encoding_rs::WINDOWS_1252);

    /// A code page by its number.
    pub(super) fn numbered(number: i32) -> Self {
        use encoding_rs as known;
        Self::Known(match number {
            437 => return Self::Table(PC),
            850 | 858 => return Self::Table(PC_LATIN),
            42 => return Self::Symbol,
            866 => known::IBM866,
            874 => known::WINDOWS_874,
            932 => known::SHIFT_JIS,
            936 => known::GBK,
            949 => known::EUC_KR,
            950 => known::BIG5,
            1250 => known::WINDOWS_1250,
            1251 => known::WINDOWS_1251,
            1253 => known::WINDOWS_1253,
            1254 => known::WINDOWS_1254,
            1255 => known::WINDOWS_1255,
            1256 => known::WINDOWS_1256,
            1257 => known::WINDOWS_1257,
            1258 => known::WINDOWS_1258,
            10_000 => known::MACINTOSH,
            10_007 => known::X_MAC_CYRILLIC,
            54_936 => known::GB18030,
            65_001 => known::UTF_8,
            _ => known::WINDOWS_1252,
        })
    }

    /// The code page of a font's character set; None is that of the document.
    pub(super) fn of_charset(charset: i32) -> Option<Self> {
        let number = match charset {
            1 => return None,
            2 => 42,
            77 => 10_000,
            128 => 932,
            129 => 949,
            134 => 936,
            136 => 950,
            161 => 1253,
            162 => 1254,
            163 => 1258,
            177 => 1255,
            178 => 1256,
            186 => 1257,
            204 => 1251,
            222 => 874,
            238 => 1250,
            254 => 437,
            255 => 850,
            _ => 1252,
        };
        Some(Self::numbered(number))
    }

    pub(super) fn decode(self, bytes: &[u8], text: &mut String) {
        match self {
            Self::Known(encoding) => text.push_str(&encoding.decode_without_bom_handling(bytes).0),
            Self::Table(upper) => text.extend(bytes.iter().map(|byte| match byte.checked_sub(128) {
                Some(at) => upper.chars().nth(usize::from(at)).unwrap_or('\u{FFFD}'),
                None => char::from(*byte),
            })),
            Self::Symbol => text.extend(bytes.iter().map(|byte| match byte {
                0..=32 => char::from(*byte),
                byte => char::from_u32(0xF000 + u32::from(*byte)).unwrap_or('\u{FFFD}'),
            })),
        }
    }
}
