//! Liên Thông: the gateway through which government agencies exchange signed official documents.
pub mod receipts;
