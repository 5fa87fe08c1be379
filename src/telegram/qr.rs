//! QR codes as PNG pictures.

use png::{BitDepth, ColorType, Compression, Encoder, Filter};
use qrcode::{Color, EcLevel, QrCode};

/// Empty modules around the code (ISO/IEC 18004 asks for four).
const QUIET_ZONE: usize = 4;
/// Edge of the picture at most, pixels; phones show it without scaling it up. It is never under 700.
const EDGE_MAX: usize = 900;

/// Why a text cannot be a QR code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// More than a code holds (2,953 bytes).
    #[error("the text does not fit into a QR code: {0}")]
    TooLong(String),
    /// The picture could not be written.
    #[error("the picture could not be made: {0}")]
    Png(String),
}

/// The text as a black and white PNG, one bit per pixel.
///
/// # Errors
/// [`QrError`]
pub fn png(text: &[u8]) -> Result<Vec<u8>, QrError> {
    // The lowest level of correction: a screen has no dirt on it, and larger modules are easier to scan.
    let code =
        QrCode::with_error_correction_level(text, EcLevel::L).map_err(|error| QrError::TooLong(error.to_string()))?;
    let modules = code.width() + 2 * QUIET_ZONE;
    let scale = EDGE_MAX / modules;
    let edge = modules * scale;
    let row_bytes = edge.div_ceil(8);
    let mut pixels = vec![0xff; row_bytes * edge];
    for (n, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (n % code.width() + QUIET_ZONE, n / code.width() + QUIET_ZONE);
            for row in y * scale..(y + 1) * scale {
                for column in x * scale..(x + 1) * scale {
                    pixels[row * row_bytes + column / 8] &= !(0x80 >> (column % 8));
                }
            }
        }
    }
    write(edge, &pixels).map_err(|error| QrError::Png(error.to_string()))
}

fn write(edge: usize, pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let edge = u32::try_from(edge).unwrap_or(u32::MAX); // at most EDGE_MAX
    let mut encoder = Encoder::new(&mut file, edge, edge);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    // Rows of modules repeat and are runs of equal bits: filters find nothing, and the quickest level is small enough.
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests;
