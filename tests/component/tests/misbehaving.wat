;; A component that pretends to implement the `native` world, and breaks in
;; the way the first byte from the crypt side says: of a stranger, what the
;; acceptor does; after the stranger's first four bytes, what its session does.
(module
  (import "[export]spiped:pipe/acceptor@0.1.0" "[resource-new]acceptor"
    (func $new_acceptor (param i32) (result i32)))
  (import "[export]spiped:pipe/session@0.1.0" "[resource-new]session"
    (func $new (param i32) (result i32)))
  (import "[export]spiped:pipe/pairing@0.1.0" "[resource-new]exchange"
    (func $new_exchange (param i32) (result i32)))

  (memory (export "memory") 2)
  ;; Next free byte; answers to calls stand at 16.
  (global $free (mut i32) (i32.const 1024))
  ;; Whether it traps when it is to fall asleep.
  (global $restless (mut i32) (i32.const 0))
  ;; The length of its state.
  (global $state_len (mut i32) (i32.const 1))

  ;; Bump allocation, enough for a short life.
  (func $realloc (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $len)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
      (drop (memory.grow (i32.const 16))))
    (local.get $at))

  ;; A result that is fine: this handle, which stands so far behind.
  (func $ok (param $handle i32) (param $offset i32) (result i32)
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store (i32.add (i32.const 16) (local.get $offset)) (local.get $handle))
    (i32.const 16))

  (func (export "spiped:pipe/acceptor@0.1.0#[constructor]acceptor")
    (param i32 i32 i32 i32) (result i32)
    (call $ok (call $new_acceptor (i32.const 1)) (i32.const 4)))
  (func (export "spiped:pipe/acceptor@0.1.0#[dtor]acceptor") (param i32))

  ;; A verdict: its case, and up to two numbers.
  (func $verdict (param $case i32) (param $number i32) (param $hello_len i32) (result i32)
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store8 (i32.const 24) (local.get $case))
    (i32.store (i32.const 32) (local.get $number))
    (i32.store8 (i32.const 36) (i32.const 0))
    (i32.store (i32.const 40) (local.get $hello_len))
    (i32.const 16))
  (func (export "spiped:pipe/acceptor@0.1.0#[method]acceptor.identify")
    (param i32 i32 i32) (param $bytes i32) (param $len i32) (result i32)
    (local $what i32)
    (if (i32.lt_u (local.get $len) (i32.const 4))
      (then
        (return
          (call $verdict
            (i32.const 0) (i32.sub (i32.const 4) (local.get $len)) (i32.const 0)))))
    (local.set $what (i32.load8_u (local.get $bytes)))
    ;; T: trap
    (if (i32.eq (local.get $what) (i32.const 0x54)) (then (unreachable)))
    ;; L: loop for ever
    (if (i32.eq (local.get $what) (i32.const 0x4c)) (then (loop $forever (br $forever))))
    ;; M: ask for more than there can be
    (if (i32.eq (local.get $what) (i32.const 0x4d))
      (then (return (call $verdict (i32.const 0) (i32.const 317) (i32.const 0)))))
    ;; N: ask for nothing more
    (if (i32.eq (local.get $what) (i32.const 0x4e))
      (then (return (call $verdict (i32.const 0) (i32.const 0) (i32.const 0)))))
    ;; K: a key that nobody has
    (if (i32.eq (local.get $what) (i32.const 0x4b))
      (then (return (call $verdict (i32.const 1) (i32.const 1) (local.get $len)))))
    ;; H: a hello that has not come
    (if (i32.eq (local.get $what) (i32.const 0x48))
      (then (return (call $verdict (i32.const 1) (i32.const 0) (i32.const 5)))))
    ;; Anything else has the first key: nobody gets past a host otherwise.
    (call $verdict (i32.const 1) (i32.const 0) (i32.const 4)))
  (func (export "spiped:pipe/acceptor@0.1.0#[method]acceptor.fault-at-eof")
    (param i32 i32 i32 i32 i32) (result i32)
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store8 (i32.const 24) (i32.const 9))
    (i32.const 16))

  (func (export "spiped:pipe/session@0.1.0#[static]session.connect")
    (param i32 i32 i32 i32 i32 i32) (result i32)
    (call $ok (call $new (i32.const 1)) (i32.const 4)))
  (func (export "spiped:pipe/session@0.1.0#[static]session.accept")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (call $ok (call $new (i32.const 1)) (i32.const 8)))
  (func (export "spiped:pipe/session@0.1.0#[dtor]session") (param i32))

  ;; An answer: two lists and the status, whose case stands at 32.
  (func $answer (param $crypt_len i32) (param $plain_len i32) (param $status i32) (result i32)
    (i32.store (i32.const 16) (i32.const 1024))
    (i32.store (i32.const 20) (local.get $crypt_len))
    (i32.store (i32.const 24) (i32.const 1024))
    (i32.store (i32.const 28) (local.get $plain_len))
    (i32.store8 (i32.const 32) (local.get $status))
    (i32.const 16))

  ;; Established at once.
  (func $established (result i32)
    (call $answer (i32.const 0) (i32.const 0) (i32.const 2)))
  (func (export "spiped:pipe/session@0.1.0#[method]session.start") (param i32) (result i32)
    (call $established))
  (func (export "spiped:pipe/session@0.1.0#[method]session.compute") (param i32) (result i32)
    (call $established))
  (func (export "spiped:pipe/session@0.1.0#[method]session.crypt-eof") (param i32) (result i32)
    (call $established))
  (func (export "spiped:pipe/session@0.1.0#[method]session.plain-eof") (param i32) (result i32)
    (call $established))
  ;; None.
  (func (export "spiped:pipe/session@0.1.0#[method]session.psk-id") (param i32) (result i32)
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.const 16))

  ;; Its state has no meaning.
  (func (export "spiped:pipe/session@0.1.0#[method]session.suspend") (param i32) (result i32)
    (if (global.get $restless) (then (unreachable)))
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store (i32.const 24) (i32.const 1024))
    (i32.store (i32.const 28) (global.get $state_len))
    (i32.const 16))
  (func (export "spiped:pipe/session@0.1.0#[static]session.resume") (param i32 i32) (result i32)
    (call $ok (call $new (i32.const 1)) (i32.const 4)))

  ;; Wants to send the application's bytes as they are.
  (func (export "spiped:pipe/session@0.1.0#[method]session.handle-plain")
    (param i32 i32) (param $len i32) (result i32)
    (call $answer (local.get $len) (i32.const 0) (i32.const 2)))

  (func (export "spiped:pipe/session@0.1.0#[method]session.handle-crypt")
    (param i32) (param $bytes i32) (param i32) (result i32)
    (local $what i32)
    (local.set $what (i32.load8_u (local.get $bytes)))
    ;; T: trap
    (if (i32.eq (local.get $what) (i32.const 0x54)) (then (unreachable)))
    ;; N: trap at the next nap
    (global.set $restless (i32.eq (local.get $what) (i32.const 0x4e)))
    ;; H: have a huge state at the next nap
    (if (i32.eq (local.get $what) (i32.const 0x48))
      (then (global.set $state_len (i32.const 1301))))
    ;; L: loop for ever
    (if (i32.eq (local.get $what) (i32.const 0x4c)) (then (loop $forever (br $forever))))
    ;; M: take memory until there is none, then trap
    (if (i32.eq (local.get $what) (i32.const 0x4d))
      (then
        (loop $more
          (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        (unreachable)))
    ;; B: a list that reaches beyond memory
    (if (i32.eq (local.get $what) (i32.const 0x42))
      (then (return (call $answer (i32.const 0) (i32.const 0x40000000) (i32.const 2)))))
    ;; P: plaintext out of nothing
    (if (i32.eq (local.get $what) (i32.const 0x50))
      (then (return (call $answer (i32.const 0) (i32.const 100) (i32.const 2)))))
    ;; C: bytes for the peer out of nothing
    (if (i32.eq (local.get $what) (i32.const 0x43))
      (then (return (call $answer (i32.const 1000) (i32.const 0) (i32.const 2)))))
    ;; S: a status that does not exist
    (if (i32.eq (local.get $what) (i32.const 0x53))
      (then (return (call $answer (i32.const 0) (i32.const 0) (i32.const 99)))))
    (call $established))

  ;; The interface `pairing`: waits, until the first byte from the peer says
  ;; what to do wrong.
  (func (export "spiped:pipe/pairing@0.1.0#[constructor]exchange")
    (param i32 i32 i32 i32 i32 i32) (result i32)
    (call $ok (call $new_exchange (i32.const 1)) (i32.const 4)))
  (func (export "spiped:pipe/pairing@0.1.0#[dtor]exchange") (param i32))

  ;; An answer: a list, and a status with a text of this length.
  (func $pairing (param $sent i32) (param $status i32) (param $at i32) (param $len i32)
    (result i32)
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (i32.const 1024))
    (i32.store (i32.const 24) (local.get $sent))
    (i32.store8 (i32.const 28) (local.get $status))
    (i32.store (i32.const 32) (local.get $at))
    (i32.store (i32.const 36) (local.get $len))
    (i32.const 16))
  (func $waiting (result i32)
    (call $pairing (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
  (func (export "spiped:pipe/pairing@0.1.0#[method]exchange.start") (param i32) (result i32)
    (call $waiting))
  ;; Sees no fault in anything.
  (func (export "spiped:pipe/pairing@0.1.0#[method]exchange.eof") (param i32) (result i32)
    (call $ok (i32.const 0) (i32.const 4)))
  (func (export "spiped:pipe/pairing@0.1.0#[method]exchange.reject") (param i32) (result i32)
    (call $ok (i32.const 0) (i32.const 4)))
  ;; Agrees on a key of its own.
  (func $agreed (result i32)
    (call $pairing (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 0)))
  (func (export "spiped:pipe/pairing@0.1.0#[method]exchange.confirm") (param i32) (result i32)
    (call $agreed))
  (func (export "spiped:pipe/pairing@0.1.0#[method]exchange.take-key") (param i32) (result i32)
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (i32.const 1024))
    (i32.store (i32.const 24) (i32.const 32))
    (i32.const 16))

  ;; Moves the terminal's cursor.
  (data (i32.const 512) "\1b[1;1H23 4567 8901")
  (data (i32.const 540) "0123 4567 8901")
  (func (export "spiped:pipe/pairing@0.1.0#[method]exchange.receive")
    (param i32) (param $bytes i32) (param i32) (result i32)
    (local $what i32)
    (local.set $what (i32.load8_u (local.get $bytes)))
    ;; T: trap
    (if (i32.eq (local.get $what) (i32.const 0x54)) (then (unreachable)))
    ;; K: a key that nobody has confirmed
    (if (i32.eq (local.get $what) (i32.const 0x4b)) (then (return (call $agreed))))
    ;; D: something else than digits to compare
    (if (i32.eq (local.get $what) (i32.const 0x44))
      (then
        (return (call $pairing (i32.const 0) (i32.const 2) (i32.const 512) (i32.const 14)))))
    ;; Y: a confirmation that the user has not given
    (if (i32.eq (local.get $what) (i32.const 0x59))
      (then
        (return (call $pairing (i32.const 80) (i32.const 2) (i32.const 540) (i32.const 14)))))
    ;; C: bytes for a stranger
    (if (i32.eq (local.get $what) (i32.const 0x43))
      (then (return (call $pairing (i32.const 48) (i32.const 0) (i32.const 0) (i32.const 0)))))
    (call $waiting))
)
