#![allow(clippy::unwrap_used)]

use super::*;

/// Reads the modules back out of a picture.
fn modules(file: &[u8], width: usize) -> (u32, Vec<bool>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.bit_depth, info.color_type), (info.height, BitDepth::One, ColorType::Grayscale));
    let edge = usize::try_from(info.width).unwrap();
    let scale = edge / (width + 2 * QUIET_ZONE);
    let dark = |x: usize, y: usize| pixels[y * edge.div_ceil(8) + x / 8] & (0x80 >> (x % 8)) == 0;
    let all = width + 2 * QUIET_ZONE;
    let grid = (0..all * all).map(|n| dark((n % all) * scale + scale / 2, (n / all) * scale + scale / 2)).collect();
    (info.width, grid)
}

#[test]
fn the_picture_holds_the_code_with_its_quiet_zone() {
    for text in ["x".to_owned(), "[Interface]\nPrivateKey = abc\n".repeat(12), "y".repeat(2_900)] {
        let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L).unwrap();
        let (edge, grid) = modules(&png(text.as_bytes()).unwrap(), code.width());
        assert!((600..=900).contains(&edge), "{edge}");
        let all = code.width() + 2 * QUIET_ZONE;
        for y in 0..all {
            for x in 0..all {
                let inside = (QUIET_ZONE..all - QUIET_ZONE).contains(&x) && (QUIET_ZONE..all - QUIET_ZONE).contains(&y);
                let dark = inside && code[(x - QUIET_ZONE, y - QUIET_ZONE)] == Color::Dark;
                assert_eq!(grid[y * all + x], dark, "{x} {y}");
            }
        }
    }
}

#[test]
fn too_much_text_is_an_error() {
    assert!(matches!(png(&[b'a'; 3_000]), Err(QrError::TooLong(_))));
}
