;; A component that pretends to implement the `native` world, and breaks in
;; the way the first byte from the crypt side says.
(module
  (import "[export]spiped:pipe/protocol@1.0.0" "[resource-new]session"
    (func $new (param i32) (result i32)))
  (import "[export]spiped:pipe/pairing@1.0.0" "[resource-new]exchange"
    (func $new_exchange (param i32) (result i32)))

  (memory (export "memory") 2)
  ;; Next free byte; answers to calls stand at 16.
  (global $free (mut i32) (i32.const 1024))
  ;; Whether it traps when it is to fall asleep.
  (global $restless (mut i32) (i32.const 0))

  ;; Bump allocation, enough for a short life.
  (func $realloc (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $len)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
      (drop (memory.grow (i32.const 16))))
    (local.get $at))

  (func (export "spiped:pipe/protocol@1.0.0#[constructor]session")
    (param $side i32) (param i32 i32) (param $fs i32) (param i32 i32 i32 i32) (result i32)
    (call $new (i32.const 1)))
  (func (export "spiped:pipe/protocol@1.0.0#[dtor]session") (param i32))

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
  (func (export "spiped:pipe/protocol@1.0.0#[method]session.start") (param i32) (result i32)
    (call $established))
  (func (export "spiped:pipe/protocol@1.0.0#[method]session.compute") (param i32) (result i32)
    (call $established))
  (func (export "spiped:pipe/protocol@1.0.0#[method]session.crypt-eof") (param i32) (result i32)
    (call $established))
  (func (export "spiped:pipe/protocol@1.0.0#[method]session.plain-eof") (param i32) (result i32)
    (call $established))
  ;; The first: nobody gets past a host without naming one.
  (func (export "spiped:pipe/protocol@1.0.0#[method]session.peer-secret") (param i32) (result i32)
    (i32.store8 (i32.const 16) (i32.const 1))
    (i32.store (i32.const 20) (i32.const 0))
    (i32.const 16))
  (func (export "spiped:pipe/protocol@1.0.0#[method]session.key-exchange") (param i32) (result i32)
    (call $established))

  ;; Its state is one byte of no meaning.
  (func (export "spiped:pipe/protocol@1.0.0#[method]session.suspend") (param i32) (result i32)
    (if (global.get $restless) (then (unreachable)))
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store (i32.const 24) (i32.const 1024))
    (i32.store (i32.const 28) (i32.const 1))
    (i32.const 16))
  (func (export "spiped:pipe/protocol@1.0.0#[static]session.resume") (param i32 i32) (result i32)
    (call $new (i32.const 1)))

  ;; Wants to send the application's bytes as they are.
  (func (export "spiped:pipe/protocol@1.0.0#[method]session.handle-plain")
    (param i32 i32) (param $len i32) (result i32)
    (call $answer (local.get $len) (i32.const 0) (i32.const 2)))

  (func (export "spiped:pipe/protocol@1.0.0#[method]session.handle-crypt")
    (param i32) (param $bytes i32) (param i32) (result i32)
    (local $what i32)
    (local.set $what (i32.load8_u (local.get $bytes)))
    ;; T: trap
    (if (i32.eq (local.get $what) (i32.const 0x54)) (then (unreachable)))
    ;; N: trap at the next nap
    (global.set $restless (i32.eq (local.get $what) (i32.const 0x4e)))
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
  (func (export "spiped:pipe/pairing@1.0.0#[constructor]exchange")
    (param i32 i32 i32 i32 i32 i32) (result i32)
    (call $new_exchange (i32.const 1)))
  (func (export "spiped:pipe/pairing@1.0.0#[dtor]exchange") (param i32))

  ;; An answer: a list, and a status with a list or text of this length.
  (func $pairing (param $sent i32) (param $status i32) (param $at i32) (param $len i32)
    (result i32)
    (i32.store (i32.const 16) (i32.const 1024))
    (i32.store (i32.const 20) (local.get $sent))
    (i32.store8 (i32.const 24) (local.get $status))
    (i32.store (i32.const 28) (local.get $at))
    (i32.store (i32.const 32) (local.get $len))
    (i32.const 16))
  (func $waiting (result i32)
    (call $pairing (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
  (func (export "spiped:pipe/pairing@1.0.0#[method]exchange.start") (param i32) (result i32)
    (call $waiting))
  (func (export "spiped:pipe/pairing@1.0.0#[method]exchange.eof") (param i32) (result i32)
    (call $waiting))
  ;; Agrees with a key of its own.
  (func $agreed (param $len i32) (result i32)
    (call $pairing (i32.const 0) (i32.const 4) (i32.const 1024) (local.get $len)))
  (func (export "spiped:pipe/pairing@1.0.0#[method]exchange.confirm") (param i32) (result i32)
    (call $agreed (i32.const 32)))

  ;; Moves the terminal's cursor.
  (data (i32.const 512) "\1b[1;1H23 4567 8901")
  (data (i32.const 540) "0123 4567 8901")
  (func (export "spiped:pipe/pairing@1.0.0#[method]exchange.receive")
    (param i32) (param $bytes i32) (param i32) (result i32)
    (local $what i32)
    (local.set $what (i32.load8_u (local.get $bytes)))
    ;; T: trap
    (if (i32.eq (local.get $what) (i32.const 0x54)) (then (unreachable)))
    ;; K: a key that nobody has confirmed
    (if (i32.eq (local.get $what) (i32.const 0x4b)) (then (return (call $agreed (i32.const 32)))))
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
