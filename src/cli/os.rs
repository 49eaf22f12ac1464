//! What the operating system says, in Vietnamese: its own words are English, short, and name no way out.

use std::io::{self, ErrorKind};

/// The sentence for the innermost fault of the operating system behind an error, where it is a known one.
pub fn explained(error: &anyhow::Error) -> Option<&'static str> {
    let fault = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).last();
    of_kind(fault.map(io::Error::kind).or_else(|| written_out(&format!("{error:#}")))?)
}

/// A fault that is quoted in the words of some room: the standard library writes its number behind.
fn written_out(words: &str) -> Option<ErrorKind> {
    let (_, rest) = words.rsplit_once("(os error ")?;
    let (number, _) = rest.split_once(')')?;
    Some(io::Error::from_raw_os_error(number.parse().ok()?).kind())
}

fn of_kind(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::NotFound => "Không tìm thấy tệp hoặc thư mục này; kiểm tra lại đường dẫn.",
        ErrorKind::PermissionDenied => {
            "Không có quyền đọc hoặc ghi; kiểm tra quyền của tệp, thư mục và tài khoản đang chạy lệnh."
        }
        ErrorKind::AlreadyExists => "Tệp hoặc thư mục đã tồn tại; chọn tên khác hoặc xoá bản cũ.",
        ErrorKind::IsADirectory => "Đây là thư mục, không phải tệp; ghi rõ tên tệp.",
        ErrorKind::NotADirectory => "Một phần của đường dẫn là tệp, không phải thư mục; kiểm tra lại đường dẫn.",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "Hết dung lượng đĩa; giải phóng đĩa rồi chạy lại.",
        ErrorKind::ReadOnlyFilesystem => "Đĩa chỉ cho đọc; chọn nơi ghi khác.",
        ErrorKind::ConnectionRefused => {
            "Máy chủ từ chối kết nối: dịch vụ chưa chạy, hoặc sai địa chỉ, sai cổng. Kiểm tra dịch vụ rồi chạy lại."
        }
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            "Đầu bên kia đã ngắt kết nối; kiểm tra đường truyền và nhật ký của máy chủ."
        }
        ErrorKind::TimedOut => "Không có trả lời trong thời hạn; kiểm tra mạng, tường lửa và máy chủ.",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            "Không tới được máy chủ; kiểm tra mạng, tường lửa và địa chỉ."
        }
        ErrorKind::AddrInUse => {
            "Địa chỉ hoặc cổng này đang được chương trình khác sử dụng; dừng chương trình đó hoặc đổi cổng."
        }
        ErrorKind::AddrNotAvailable => "Máy này không có địa chỉ mạng đã ghi; kiểm tra lại địa chỉ.",
        ErrorKind::UnexpectedEof => "Tệp hoặc dữ liệu bị cắt cụt; lấy lại bản đầy đủ.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn the_innermost_fault_is_explained_and_an_unknown_one_is_left_alone() {
        let fault = |kind: ErrorKind| anyhow::Error::from(io::Error::from(kind));
        let wrapped = Err::<(), _>(fault(ErrorKind::NotFound)).context("a.edxml");
        let told = wrapped.err().as_ref().and_then(explained);
        assert!(told.is_some_and(|text| text.starts_with("Không tìm thấy")));
        assert_eq!(explained(&fault(ErrorKind::Other)), None);
        assert_eq!(explained(&anyhow::anyhow!("no fault of the system")), None);
        // 2 is ENOENT on every Unix.
        let quoted = anyhow::anyhow!("LT-DIR-0101: a.toml cannot be read: No such file (os error 2)");
        assert!(explained(&quoted).is_some_and(|text| text.starts_with("Không tìm thấy")));
    }
}
