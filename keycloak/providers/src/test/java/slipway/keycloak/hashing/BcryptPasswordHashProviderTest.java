package slipway.keycloak.hashing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.ServiceLoader;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.keycloak.credential.hash.PasswordHashProvider;
import org.keycloak.credential.hash.PasswordHashProviderFactory;
import org.keycloak.models.PasswordPolicy;
import org.keycloak.models.credential.PasswordCredentialModel;

/** The hashes are libxcrypt's, made by Python's crypt module. */
class BcryptPasswordHashProviderTest {

    private static final String PASSWORD = "correct horse battery staple";
    private static final String HASH = "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG";
    private static final String HASH_OF_A = "$2b$04$abcdefghijklmnopqrstuuMFdJu9yVgmagVAIC24fOZkaFqd3s9JC";
    private static final String HASH_OF_72_X = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";

    private final PasswordHashProvider provider = new BcryptPasswordHashProviderFactory().create(null);

    private static PasswordCredentialModel credential(String hash) {
        return PasswordCredentialModel.createFromValues("bcrypt", null, 4, Map.of(), hash);
    }

    private boolean verifies(String password, String hash) {
        return provider.verify(password, credential(hash));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        HASH,
        "$2a$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS",
        "$2y$06$abcdefghijklmnopqrstuu10cNU3mXRamSUZYs8I8M/Szu..qXq5K",
    })
    void the_right_password_is_accepted_and_others_are_not(String hash) {
        assertTrue(verifies(PASSWORD, hash));
        assertFalse(verifies(PASSWORD + " ", hash));
        assertFalse(verifies("", hash));
    }

    @Test
    void letters_beyond_ascii_are_utf_8() {
        assertTrue(verifies("pässwörd € 😀", "$2b$04$Slipway.Slipway.Slipwe/WLF8.s.fPZy0NE4hdOuj1EobMAn/DW"));
        assertTrue(verifies("ÿ", "$2a$04$abcdefghijklmnopqrstuuAypSZRoxr7W5j42.s8/4adXOhod3TIy"));
    }

    @Test
    void the_first_72_bytes_decide_as_where_the_hash_was_made() {
        assertTrue(verifies("x".repeat(72), HASH_OF_72_X));
        assertTrue(verifies("x".repeat(80), HASH_OF_72_X));
        assertFalse(verifies("x".repeat(71), HASH_OF_72_X));
    }

    @Test
    void another_password_that_repeats_the_right_one_around_a_nul_is_refused() {
        assertTrue(verifies("a", HASH_OF_A));
        assertFalse(verifies("a\0a", HASH_OF_A));
        assertFalse(verifies("a\0", HASH_OF_A));
    }

    @Test
    void bits_that_nothing_reads_may_be_set() {
        assertTrue(verifies(PASSWORD, HASH.replace("rstuu7", "rstuv7")));
        assertTrue(verifies(PASSWORD, HASH.substring(0, 59) + "H"));
        assertFalse(verifies(PASSWORD, HASH.substring(0, 59) + "K"));
    }

    @ParameterizedTest
    @CsvSource(nullValues = "null", value = {
        "null",
        "''",
        "correct horse battery staple",
        "$2x$04$abcdefghijklmnopqrstuuks85em7Qy4DB5GFWZA92/UpBuVQbC66",
        "$2$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "$2b$4$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "$2b$03$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6C",
        "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CGG",
        "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6C=",
    })
    void what_is_no_hash_of_bcrypt_is_nobodys(String hash) {
        assertFalse(verifies(PASSWORD, hash));
        assertFalse(verifies("", hash));
    }

    @Test
    @Timeout(10)
    void a_hash_that_would_keep_a_processor_busy_for_hours_is_refused() {
        assertFalse(verifies(PASSWORD, HASH.replace("$04$", "$31$")));
        assertFalse(verifies(PASSWORD, HASH.replace("$04$", "$17$")));
    }

    @Test
    void it_makes_no_hashes() {
        assertThrows(UnsupportedOperationException.class, () -> provider.encodedCredential(PASSWORD, 12));
    }

    @Test
    void an_imported_hash_stays_where_the_realms_policy_names_bcrypt() {
        assertTrue(provider.policyCheck(PasswordPolicy.empty(), credential(HASH)));
        PasswordCredentialModel other = PasswordCredentialModel.createFromValues("argon2", null, 5, Map.of(), "x");
        assertFalse(provider.policyCheck(PasswordPolicy.empty(), other));
    }

    @Test
    void keycloak_finds_it_by_its_name_and_never_as_the_default() {
        PasswordHashProviderFactory found = ServiceLoader.load(PasswordHashProviderFactory.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(each -> each instanceof BcryptPasswordHashProviderFactory)
                .findFirst()
                .orElseThrow();
        assertEquals("bcrypt", found.getId());
        assertEquals(0, found.order());
    }

    @Test
    void a_hash_is_in_no_message() {
        assertEquals("a bcrypt hash of cost 4", BcryptHash.parse(HASH).orElseThrow().toString());
    }
}
