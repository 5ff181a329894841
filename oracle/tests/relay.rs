//! The relayer against a real anvil: what ends well, and every way in which it may not.

mod support;

use alloy::eips::BlockId;
use alloy::primitives::{Address, U256};
use alloy::providers::Provider;
use alloy::providers::ext::AnvilApi;
use alloy::rpc::types::anvil::ReorgOptions;
use alloy::sol_types::SolCall;
use halocast_oracle::abi::InferenceOracle;
use halocast_oracle::chain::TxFields;
use halocast_oracle::context_word;
use halocast_oracle::relay::{JobState, read_transitions};
use halocast_oracle::requester::{Provenance, RequestState};
use std::time::Duration;
use support::proxy::Proxy;
use support::{RELAYER, REQUESTER, RIVAL, UNPROVABLE, World, mock_proof};

async fn mine(world: &World, blocks: u64) {
    world
        .client
        .provider()
        .anvil_mine(Some(blocks), None)
        .await
        .expect("mines");
}

async fn wait_mined_twice(world: &World, id: U256) {
    for _ in 0..600 {
        let history = read_transitions(&world.database(), id)
            .await
            .expect("history");
        if history.iter().filter(|t| t.to == "mined").count() == 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("request {id} was not mined a second time");
}

async fn set_block_gas_limit(world: &World, gas: u64) {
    let done: bool = world
        .client
        .provider()
        .raw_request("evm_setBlockGasLimit".into(), [U256::from(gas)])
        .await
        .expect("gas limit");
    assert!(done);
}

/// Sends a result from another account that pays more, without asking the node what the pool makes of it.
async fn rival_fulfills(world: &World, id: U256, input: u64) {
    let rival = world.chain.account(RIVAL);
    let context = context_word(31_337, world.oracle(), id, rival.address());
    let call = InferenceOracle::fulfillCall {
        requestId: id,
        payee: rival.address(),
        outputs: vec![U256::from(input + 1)],
        proof: mock_proof(U256::from(input), U256::from(input + 1), context),
    };
    let fields = rich_tx(world.oracle(), 0, 250_000, call.abi_encode());
    world
        .client
        .send_raw(&rival.sign(&fields).expect("signs").raw)
        .await
        .expect("the rival is first");
}

/// A transaction that is mined before others.
fn rich_tx(to: Address, nonce: u64, gas_limit: u64, data: Vec<u8>) -> TxFields {
    let (max_fee, priority_fee) = (190_000_000_000, 90_000_000_000);
    TxFields {
        chain_id: 31_337,
        nonce,
        gas_limit,
        max_fee,
        priority_fee,
        to,
        value: U256::ZERO,
        data: data.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_requests_made_before_and_after_its_start() {
    let world = World::new(&[]).await;
    let early = world.ask(5).await;
    let relayer = world.relayer(&world.chain.url(), "", 0).await;
    let late = world.ask(6).await;
    for (asked, input) in [(early, 5), (late, 6)] {
        world.wait_for(asked.request_id, JobState::Mined).await;
        mine(&world, 2).await;
        world.wait_for(asked.request_id, JobState::Done).await;
        world.assert_answered(asked.request_id, input).await;
    }
    assert_eq!(world.relayer_nonce().await, 2);
    assert_eq!(world.proofs_made(), 2);
    let view = world
        .requester(REQUESTER)
        .status(early.request_id)
        .await
        .expect("status");
    assert_eq!(
        (view.state, view.provenance, view.payee),
        (
            RequestState::Fulfilled,
            Provenance::Proven,
            Some(world.relayer_address())
        )
    );
    assert_eq!(view.inputs, [U256::from(5)]);
    let states: Vec<_> = read_transitions(&world.database(), early.request_id)
        .await
        .expect("history")
        .into_iter()
        .map(|t| t.to)
        .collect();
    assert_eq!(
        states,
        [
            "seen",
            "queued",
            "executed",
            "proven",
            "submitting",
            "sent",
            "mined",
            "confirmed",
            "done"
        ]
    );
    let call = InferenceOracle::contextOfCall {
        requestId: early.request_id,
        payee: world.relayer_address(),
    };
    let context = world
        .client
        .view(world.oracle(), &call)
        .await
        .expect("context");
    assert_eq!(
        context,
        context_word(
            31_337,
            world.oracle(),
            early.request_id,
            world.relayer_address()
        )
    );
    assert!(
        std::fs::read_dir(world.dir.path().join("work"))
            .expect("workdir")
            .next()
            .is_none(),
        "nothing is left of the proofs"
    );
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_was_first() {
    let world = World::new(&[]).await;
    let asked = world.ask(5).await;
    let relayer = world.relayer(&world.chain.url(), "", 1500).await;
    world.wait_for(asked.request_id, JobState::Executed).await;
    rival_fulfills(&world, asked.request_id, 5).await;
    world
        .wait_for(asked.request_id, JobState::AlreadyDone)
        .await;
    assert_eq!(world.relayer_nonce().await, 0, "nothing was sent");
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_passes_while_proving() {
    let world = World::new(&[]).await;
    let asked = world.ask_within(5, 60).await;
    let relayer = world.relayer(&world.chain.url(), "", 1000).await;
    world.wait_for(asked.request_id, JobState::Executed).await;
    world
        .client
        .provider()
        .anvil_increase_time(100)
        .await
        .expect("time");
    mine(&world, 1).await;
    world.wait_for(asked.request_id, JobState::Expired).await;
    assert_eq!(world.relayer_nonce().await, 0, "nothing was sent");
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_cannot_be_proven_and_what_policy_forbids() {
    let world = World::new(&[]).await;
    let unlucky = world.ask(UNPROVABLE).await;
    let hasty = world.ask_within(5, 3).await;
    let relayer = world.relayer(&world.chain.url(), "", 0).await;
    let job = world.wait_for(unlucky.request_id, JobState::Refused).await;
    assert_eq!(job.reason.as_deref(), Some("token id 13 is unlucky"));
    let job = world.wait_for(hasty.request_id, JobState::Refused).await;
    assert!(job.reason.is_some_and(|r| r.contains("min_seconds_left")));
    assert_eq!(world.relayer_nonce().await, 0);
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lives_through_an_outage_of_its_node() {
    let world = World::new(&[]).await;
    let proxy = Proxy::before(&world.chain.url());
    let relayer = world.relayer(&proxy.url(), "", 0).await;
    proxy.set_down(true);
    let asked = world.ask(5).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(!relayer.task.is_finished());
    assert_eq!(world.results(asked.request_id).await, 0);
    proxy.set_down(false);
    world.wait_for(asked.request_id, JobState::Mined).await;
    mine(&world, 2).await;
    world.wait_for(asked.request_id, JobState::Done).await;
    world.assert_answered(asked.request_id, 5).await;
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_does_not_double_the_transaction() {
    let world = World::new(&[]).await;
    let proxy = Proxy::before(&world.chain.url());
    proxy.lose_next_send();
    let relayer = world.relayer(&proxy.url(), "", 0).await;
    let asked = world.ask(5).await;
    world.wait_for(asked.request_id, JobState::Mined).await;
    assert!(proxy.lost());
    mine(&world, 2).await;
    world.wait_for(asked.request_id, JobState::Done).await;
    world.assert_answered(asked.request_id, 5).await;
    assert_eq!(world.relayer_nonce().await, 1, "one transaction");
    let states: Vec<_> = read_transitions(&world.database(), asked.request_id)
        .await
        .expect("history")
        .into_iter()
        .map(|t| t.to)
        .collect();
    assert!(!states.contains(&"sent".to_owned()), "{states:?}");
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_every_request_through_a_node_that_limits_the_range() {
    let world = World::new(&[]).await;
    let proxy = Proxy::before(&world.chain.url());
    proxy.limit_range(7);
    let mut asked = Vec::new();
    for input in 20..26 {
        asked.push(world.ask(input).await.request_id);
        mine(&world, 9).await;
    }
    let relayer = world.relayer(&proxy.url(), "", 0).await;
    asked.push(world.ask(26).await.request_id);
    for (id, input) in asked.iter().zip(20..) {
        world.wait_for(*id, JobState::Mined).await;
        assert_eq!(world.results(*id).await, 1);
        let seen = read_transitions(&world.database(), *id)
            .await
            .expect("history")
            .iter()
            .filter(|t| t.to == "seen")
            .count();
        assert_eq!(seen, 1, "request {id} ({input})");
    }
    assert!(proxy.refused() >= 8, "2000 halved until 7 fits");
    assert_eq!(world.relayer_nonce().await, asked.len() as u64);
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_for_money_and_goes_on() {
    let world = World::new(&[]).await;
    let provider = world.client.provider();
    provider
        .anvil_set_balance(world.relayer_address(), U256::from(1000))
        .await
        .expect("poor");
    let relayer = world.relayer(&world.chain.url(), "", 0).await;
    let asked = world.ask(5).await;
    let job = world.wait_for(asked.request_id, JobState::Proven).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(world.relayer_nonce().await, 0);
    let job = world.job(job.request_id).await.expect("still there");
    assert_eq!(
        (job.state, job.reason.as_deref()),
        (JobState::Proven, Some("the account has too little for gas"))
    );
    provider
        .anvil_set_balance(world.relayer_address(), U256::from(10).pow(U256::from(18)))
        .await
        .expect("rich");
    world.wait_for(asked.request_id, JobState::Mined).await;
    world.assert_answered(asked.request_id, 5).await;
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_takes_the_result_and_it_is_sent_again() {
    let world = World::new(&[]).await;
    let relayer = world.relayer(&world.chain.url(), "", 0).await;
    let asked = world.ask(5).await;
    world.wait_for(asked.request_id, JobState::Mined).await;
    world
        .client
        .provider()
        .anvil_reorg(ReorgOptions {
            depth: 1,
            tx_block_pairs: vec![],
        })
        .await
        .expect("re-org");
    wait_mined_twice(&world, asked.request_id).await;
    mine(&world, 3).await;
    world.wait_for(asked.request_id, JobState::Done).await;
    world.assert_answered(asked.request_id, 5).await;
    assert_eq!(world.proofs_made(), 1, "the proof was kept");
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_takes_a_settled_result() {
    let world = World::new(&[]).await;
    let relayer = world.relayer(&world.chain.url(), "", 0).await;
    let asked = world.ask(5).await;
    world.wait_for(asked.request_id, JobState::Mined).await;
    mine(&world, 2).await;
    world.wait_for(asked.request_id, JobState::Done).await;
    world
        .client
        .provider()
        .anvil_reorg(ReorgOptions {
            depth: 3,
            tx_block_pairs: vec![],
        })
        .await
        .expect("re-org");
    wait_mined_twice(&world, asked.request_id).await;
    mine(&world, 3).await;
    world.wait_for(asked.request_id, JobState::Done).await;
    world.assert_answered(asked.request_id, 5).await;
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_reorg_the_same_id_is_another_request() {
    let world = World::new(&[]).await;
    let relayer = world.relayer(&world.chain.url(), "", 0).await;
    let asked = world.ask(5).await;
    world.wait_for(asked.request_id, JobState::Mined).await;
    world
        .client
        .provider()
        .anvil_reorg(ReorgOptions {
            depth: 2,
            tx_block_pairs: vec![],
        })
        .await
        .expect("re-org");
    let other = world.ask(70).await;
    assert_eq!(other.request_id, asked.request_id);
    for _ in 0..600 {
        if world.results(other.request_id).await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.wait_for(other.request_id, JobState::Mined).await;
    mine(&world, 3).await;
    world.wait_for(other.request_id, JobState::Done).await;
    world.assert_answered(other.request_id, 70).await;
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pays_more_when_stuck_but_never_over_the_cap() {
    let world = World::new(&[]).await.mining_by_hand().await;
    let relayer = world.relayer(&world.chain.url(), "", 0).await;
    let asked = world.ask_and_mine(5).await;
    world.wait_for(asked, JobState::Sent).await;
    tokio::time::sleep(Duration::from_secs(7)).await;
    let fees = world.fees_of_nonce(0).await;
    assert!(fees.len() >= 3, "{fees:?}");
    for pair in fees.windows(2) {
        assert!(
            pair[1].0 * 8 >= pair[0].0 * 9 && pair[1].1 * 8 >= pair[0].1 * 9,
            "at least 12.5 % on both: {fees:?}"
        );
    }
    assert!(fees.iter().all(|f| f.0 <= 200_000_000_000));
    mine(&world, 3).await;
    world.wait_for(asked, JobState::Done).await;
    world.assert_answered(asked, 5).await;
    assert_eq!(world.relayer_nonce().await, 1);
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancels_what_is_of_no_use_any_more() {
    let world = World::new(&[]).await.mining_by_hand().await;
    let relayer = world.relayer(&world.chain.url(), "", 0).await;
    let asked = world.ask_and_mine(5).await;
    world.wait_for(asked, JobState::Sent).await;
    // The next block has room for one of the two, and the rival pays more.
    set_block_gas_limit(&world, 300_000).await;
    rival_fulfills(&world, asked, 5).await;
    mine(&world, 1).await;
    set_block_gas_limit(&world, 30_000_000).await;
    world.wait_for(asked, JobState::AlreadyDone).await;
    let started = std::time::Instant::now();
    while world.relayer_nonce().await == 0 && started.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(400)).await;
        mine(&world, 1).await;
    }
    assert_eq!(
        world.relayer_nonce().await,
        1,
        "the nonce was used by the cancelling transaction"
    );
    assert_eq!(world.results(asked).await, 1);
    let after = world.ask_and_mine(8).await;
    world.wait_for(after, JobState::Sent).await;
    mine(&world, 3).await;
    world.wait_for(after, JobState::Done).await;
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_transaction_takes_the_nonce() {
    let world = World::new(&[]).await.mining_by_hand().await;
    let relayer = world.relayer(&world.chain.url(), "", 0).await;
    let asked = world.ask_and_mine(5).await;
    world.wait_for(asked, JobState::Sent).await;
    let account = world.chain.account(RELAYER);
    let fields = rich_tx(world.chain.account(RIVAL).address(), 0, 21_000, vec![]);
    world
        .client
        .send_raw(&account.sign(&fields).expect("signs").raw)
        .await
        .expect("replaces");
    mine(&world, 1).await;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        mine(&world, 1).await;
        if world
            .job(asked)
            .await
            .is_some_and(|j| j.state == JobState::Done)
        {
            break;
        }
    }
    world.wait_for(asked, JobState::Done).await;
    world.assert_answered(asked, 5).await;
    assert_eq!(world.relayer_nonce().await, 2);
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_interrupts_the_prover_and_loses_nothing() {
    let world = World::new(&[]).await;
    let asked = world.ask(5).await;
    let relayer = world.relayer(&world.chain.url(), "", 60_000).await;
    world.wait_for(asked.request_id, JobState::Executed).await;
    let started = std::time::Instant::now();
    relayer.stop().await;
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(
        world.job(asked.request_id).await.expect("kept").state,
        JobState::Executed
    );
    let relayer = world.relayer(&world.chain.url(), "", 0).await;
    world.wait_for(asked.request_id, JobState::Mined).await;
    relayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_relayer_a_database_and_one_oracle_too() {
    let world = World::new(&[]).await;
    let relayer = world.relayer(&world.chain.url(), "", 0).await;
    let second = world
        .try_relayer(&world.chain.url(), "", 0)
        .await
        .err()
        .expect("refused");
    assert_eq!(second.code(), "OR-STO-002");
    relayer.stop().await;
    let payee = format!("key:\n  payee: {}\n", world.chain.account(RIVAL).address());
    let other = world
        .try_relayer(&world.chain.url(), &payee, 0)
        .await
        .err()
        .expect("refused");
    assert!(
        other.to_string().contains("it was made for payee"),
        "{other}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_another_chain_and_changed_code() {
    let world = World::new(&[]).await;
    let other = support::local_chain_with_id(1337, &[]);
    let error = world
        .try_relayer(&other.url(), "", 0)
        .await
        .err()
        .expect("another chain");
    assert_eq!(error.code(), "OR-CHN-001");
    let raw = world.record.models[0].raw_verifier.address;
    world
        .client
        .provider()
        .anvil_set_code(raw, vec![0x00].into())
        .await
        .expect("changes");
    let error = world
        .try_relayer(&world.chain.url(), "", 0)
        .await
        .err()
        .expect("other code");
    assert_eq!(error.code(), "OR-DEP-003");
    let dead = world
        .try_relayer("http://127.0.0.1:1", "", 0)
        .await
        .err()
        .expect("nobody there");
    assert_eq!(dead.code(), "OR-RPC-001");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_the_chain_rejects_is_not_sent() {
    let world = World::new(&[]).await;
    let asked = world.ask(5).await;
    // A payee other than the one the mock proof is for cannot happen in the relayer, so the call is made by hand.
    let call = InferenceOracle::fulfillCall {
        requestId: asked.request_id,
        payee: world.relayer_address(),
        outputs: vec![U256::from(6)],
        proof: mock_proof(U256::from(5), U256::from(6), U256::from(1)),
    };
    let spec = halocast_oracle::chain::CallSpec {
        to: Some(world.oracle()),
        data: call.abi_encode().into(),
        ..Default::default()
    };
    let error = world
        .client
        .call(&spec, BlockId::pending(), "fulfill")
        .await
        .expect_err("rejected");
    assert!(error.to_string().contains("ProofRejected"), "{error}");
}

impl World {
    /// From now on blocks are mined only when told.
    async fn mining_by_hand(self) -> Self {
        self.client
            .provider()
            .anvil_set_auto_mine(false)
            .await
            .expect("no automatic mining");
        self
    }

    /// A request on a chain that mines only when told.
    async fn ask_and_mine(&self, input: u64) -> U256 {
        let miner = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            mine(self, 1).await;
        };
        tokio::join!(self.ask(input), miner).0.request_id
    }

    /// (max fee, priority fee) of the transactions of a nonce, oldest first.
    async fn fees_of_nonce(&self, nonce: i64) -> Vec<(u128, u128)> {
        let url = format!("sqlite://{}?mode=ro", self.database().display());
        let pool = sqlx::SqlitePool::connect(&url).await.expect("opens");
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT max_fee, priority_fee FROM txs WHERE nonce = ? ORDER BY rowid")
                .bind(nonce)
                .fetch_all(&pool)
                .await
                .expect("reads");
        rows.iter()
            .map(|(max, tip)| (max.parse().expect("wei"), tip.parse().expect("wei")))
            .collect()
    }
}
