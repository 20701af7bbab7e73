/// The component that is built into this library.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedComponent;

static WASM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/component.wasm"));
static DIGEST: &str = include_str!(concat!(env!("OUT_DIR"), "/component.sha256"));
static IMPORTS: &str = include_str!(concat!(env!("OUT_DIR"), "/component.imports"));
static WIT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/api.wit.wasm"));

impl EmbeddedComponent {
    /// The component as any runtime takes it. The native code that runs here was
    /// compiled from these bytes when the library was built.
    pub fn bytes() -> &'static [u8] {
        WASM
    }

    /// The interfaces that the component asks for, with their versions: all that it
    /// can ever name.
    pub fn imports() -> impl Iterator<Item = &'static str> {
        IMPORTS.lines()
    }

    /// The component's contract, the WIT package `tailmint:api`, as tools and
    /// registries take it.
    pub fn wit() -> &'static [u8] {
        WIT
    }

    /// The SHA-256 of [`EmbeddedComponent::bytes`] in hexadecimal digits.
    pub fn digest() -> &'static str {
        DIGEST
    }
}
