//! Keys. A secret is never printed: [`Secret`] hides what it holds, [`Account`] shows its address only.

use crate::error::{OracleError, Result};
use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use std::path::Path;

/// Something that must not reach a log. `Debug` and `Display` print `***`.
#[derive(Clone, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a secret.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The secret itself, to use and not to print.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl<T> std::fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// What a transaction says, fees and nonce included.
#[derive(Debug, Clone)]
pub struct TxFields {
    /// Chain.
    pub chain_id: u64,
    /// Nonce.
    pub nonce: u64,
    /// Gas limit.
    pub gas_limit: u64,
    /// EIP-1559 maximum fee per gas.
    pub max_fee: u128,
    /// EIP-1559 maximum priority fee per gas.
    pub priority_fee: u128,
    /// Receiver.
    pub to: Address,
    /// Wei sent.
    pub value: U256,
    /// Call data.
    pub data: Bytes,
}

/// A signed transaction, ready to send any number of times.
#[derive(Debug, Clone)]
pub struct SignedTx {
    /// Its hash.
    pub hash: B256,
    /// Its bytes.
    pub raw: Bytes,
}

/// An account that signs here.
#[derive(Clone)]
pub struct Account {
    signer: PrivateKeySigner,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Account").field(&self.address()).finish()
    }
}

impl Account {
    /// From a private key in hex (with or without 0x). The key is not repeated in the error.
    pub fn from_private_key(key: &Secret<String>) -> Result<Self> {
        let signer = key.expose().trim().parse().map_err(|_| {
            OracleError::Key("not a private key: 32 bytes in hex are wanted".into())
        })?;
        Ok(Self { signer })
    }

    /// From an encrypted keystore file (Ethereum's web3 secret storage). Takes seconds: call it on a blocking thread.
    pub fn from_keystore(path: &Path, password: &Secret<String>) -> Result<Self> {
        if !path.is_file() {
            return Err(OracleError::Key(format!(
                "there is no keystore file {}",
                path.display()
            )));
        }
        let signer = PrivateKeySigner::decrypt_keystore(path, password.expose())
            .map_err(|e| OracleError::Key(format!("keystore {}: {e}", path.display())))?;
        Ok(Self { signer })
    }

    /// From an alloy signer.
    pub const fn from_signer(signer: PrivateKeySigner) -> Self {
        Self { signer }
    }

    /// Its address.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Signs an EIP-1559 transaction.
    pub fn sign(&self, fields: &TxFields) -> Result<SignedTx> {
        let tx = TxEip1559 {
            chain_id: fields.chain_id,
            nonce: fields.nonce,
            gas_limit: fields.gas_limit,
            max_fee_per_gas: fields.max_fee,
            max_priority_fee_per_gas: fields.priority_fee,
            to: TxKind::Call(fields.to),
            value: fields.value,
            access_list: Default::default(),
            input: fields.data.clone(),
        };
        let signature = self
            .signer
            .sign_hash_sync(&tx.signature_hash())
            .map_err(|e| OracleError::Key(format!("signing: {e}")))?;
        let signed = tx.into_signed(signature);
        let hash = *signed.hash();
        Ok(SignedTx {
            hash,
            raw: TxEnvelope::from(signed).encoded_2718().into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    #[test]
    fn nothing_prints_the_key() {
        let secret = Secret::new(KEY.to_owned());
        let account = Account::from_private_key(&secret).expect("a good key");
        let shown = format!("{secret} {secret:?} {account:?}");
        assert!(!shown.contains("ac0974be"));
        assert!(
            shown.contains("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
                || shown.contains("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266")
        );
        let bad = Account::from_private_key(&Secret::new("ac0974bec39a17e3zz".to_owned()))
            .expect_err("not hex");
        assert!(!bad.to_string().contains("ac0974be"));
    }

    #[test]
    fn keystore_round_trip_and_wrong_password() {
        let dir = tempfile::tempdir().expect("temp dir");
        let signer: PrivateKeySigner = KEY.parse().expect("a good key");
        // The library's own writer uses a slow key derivation; the same is what an operator's file has.
        let mut rng = alloy::signers::k256::elliptic_curve::rand_core::OsRng;
        PrivateKeySigner::encrypt_keystore(
            dir.path(),
            &mut rng,
            signer.to_bytes(),
            "pw",
            Some("key.json"),
        )
        .expect("writes");
        let path = dir.path().join("key.json");
        let account = Account::from_keystore(&path, &Secret::new("pw".into())).expect("opens");
        assert_eq!(account.address(), signer.address());
        let wrong =
            Account::from_keystore(&path, &Secret::new("no".into())).expect_err("wrong password");
        assert_eq!(wrong.code(), "OR-KEY-001");
        assert!(
            Account::from_keystore(&dir.path().join("none"), &Secret::new("pw".into())).is_err()
        );
    }
}
